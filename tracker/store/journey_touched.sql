-- Keys to which something happened since journeys were made: of new events, and those that went over to somebody else. A visitor
-- that went over belonged to itself before, or to the person of one of the users it was seen with; a merged user to one of the
-- users it was merged with, and all of those went over, too.
with moved as (select key from person_map where site = {site:String} and version > {moved:UInt64})
select key, max(over) as went
from (
    select key, 0 as over from touched where site = {site:String} and at > {seen:UInt64}
    union all
    select key, 1 as over from moved
    union all
    select xxHash64(concat('u:', target)) as key, 1 as over from identity_links
    where site = {site:String} and kind = 'identify' and (select count() from moved) > 0
        and xxHash64(concat('v:', source)) in (select key from moved)
)
group by key
