-- Keys that went over to another person behind a version of the map (`moved`), and those they may have belonged to before. A visitor
-- that went over belonged to itself before, or to the person of one of the users it was seen with; a merged user to one of the users
-- it was merged with, and all of those went over, too.
with moved as (select key from person_map where site = {site:String} and version > {moved:UInt64})
select key from moved
union all
select xxHash64(concat('u:', target)) as key from identity_links
where site = {site:String} and kind = 'identify' and (select count() from moved) > 0
    and xxHash64(concat('v:', source)) in (select key from moved)
