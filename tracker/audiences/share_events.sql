-- The events of the persons whose keys are in a range. A key that the map lists belongs to whom it says, all others to
-- themselves. Slot: events.
select * from /*events*/
where site = {site:String} and (
    key >= {share_from:UInt64} and key <= {share_to:UInt64} and key global not in (
        select key from person_map where site = {site:String} and key >= {share_from:UInt64} and key <= {share_to:UInt64}
    )
    or key global in (
        select key from person_map where site = {site:String}
        group by key having argMax(person, version) >= {share_from:UInt64} and argMax(person, version) <= {share_to:UInt64}
    )
)
