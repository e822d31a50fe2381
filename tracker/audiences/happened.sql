-- Keys to look at again: with new events (1), that went over to another person (2), on or off the suppression list (3),
-- persons for whom a time ran out (4). A visitor that went over belonged to itself before, or to the person of one of the
-- users it was seen with; a merged user to one of the users it was merged with, and all of those went over, too.
with moved as (select key from person_map where site = {site:String} and version > {moved:UInt64})
select distinct key, cause from (
    select key, 1 as cause from touched where site = {site:String} and at in {blocks:Array(UInt64)}
    union all
    select key, 2 as cause from moved
    union all
    select xxHash64(concat('u:', target)) as key, 2 as cause from identity_links
    where site = {site:String} and kind = 'identify' and (select count() from moved) > 0
        and xxHash64(concat('v:', source)) in (select key from moved)
    union all
    select key, 3 as cause from suppressed where site = {site:String} and version > {listed:UInt64}
    union all
    select person as key, 4 as cause from expiring where site = {site:String} and at > {after:Int64} and at <= {now:Int64}
)
