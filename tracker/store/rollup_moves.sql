-- Keys that became somebody else's after a version of the map, with their numbers and those of the persons they are now.
-- 0: has no number yet.
select moved.key as key, moved.person as person, moved.last as version, mine.number as number, owner.number as owner
from (
    select key, argMax(person, version) as person, max(version) as last
    from person_map
    where site = {site:String}
        and key in (select key from person_map where site = {site:String} and version > {since:UInt64})
    group by key
) as moved
any left join (
    select key, number from rollup_numbers
    where site = {site:String}
        and key in (select key from person_map where site = {site:String} and version > {since:UInt64})
) as mine on mine.key = moved.key
any left join (
    select key, number from rollup_numbers
    where site = {site:String}
        and key in (select person from person_map where site = {site:String} and version > {since:UInt64})
) as owner on owner.key = moved.person
where number != 0
order by key
