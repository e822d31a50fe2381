-- The events of the persons with one key only, whose keys are in a range: granules of other keys are not read. Slot: events.
select * from /*events*/
where site = {site:String} and key >= {share_from:UInt64} and key <= {share_to:UInt64}
    and key global not in (
        select key from person_map where site = {site:String} and key >= {share_from:UInt64} and key <= {share_to:UInt64}
    )
    and key global not in (select argMax(person, version) from person_map where site = {site:String} group by key)
