-- The persons behind keys to which something happened, as of now, and those a key that went over was itself. Slot: touched, a
-- table with the columns of `journey_touched`.
select distinct arrayJoin(if(went, [owner, key], [owner])) as unit
from (
    select key, went, if(found.owner = 0, key, found.owner) as owner
    from /*touched*/ as keys
    any left join (
        select key, argMax(person, version) as owner from person_map
        where site = {site:String} and key in (select key from /*touched*/) group by key
    ) as found using (key)
)
