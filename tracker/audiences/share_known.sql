-- The events of the persons with several keys, whose own keys are in a range. Slot: events.
select * from /*events*/
where site = {site:String} and key global in (
    select arrayJoin(if(own, [key, person], [key])) from (
        select
            key,
            argMax(person, version) as person,
            person not in (select key from person_map where site = {site:String}) as own
        from person_map
        where site = {site:String}
        group by key
    )
    where person >= {share_from:UInt64} and person <= {share_to:UInt64}
)
