-- Persons to whom something happened since their journeys were made: of keys with new events, and who won or lost a key. A visitor
-- that went over to another person belonged to itself before, or to the person of one of the users it was seen with; a merged
-- user to one of the users it was merged with, and all of those went over, too.
with moved as (select key from person_map where site = {site:String} and version > {moved:UInt64})
select distinct arrayJoin(if(went, [owner, key], [owner])) as unit
from (
    select key, went, if(found.owner = 0, key, found.owner) as owner
    from (
        select key, max(over) as went from (
            select key, 0 as over from touched where site = {site:String} and at > {seen:UInt64}
            union all
            select key, 1 as over from moved
            union all
            select xxHash64(concat('u:', target)) as key, 1 as over from identity_links
            where site = {site:String} and kind = 'identify' and (select count() from moved) > 0
                and xxHash64(concat('v:', source)) in (select key from moved)
        )
        group by key
    ) as keys
    any left join (
        select key, argMax(person, version) as owner from person_map where site = {site:String} group by key
    ) as found using (key)
)
