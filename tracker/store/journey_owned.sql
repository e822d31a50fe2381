-- All keys of some persons, and whose they are. Slot: units, a table (or a subquery) with the column `unit`.
select key, owner as person
from (
    select key, argMax(person, version) as owner
    from person_map
    where site = {site:String} and key in (
        select key from person_map where site = {site:String} and person in (select unit from /*units*/)
        union all
        select unit from /*units*/
    )
    group by key
)
where owner in (select unit from /*units*/)
union all
select unit as key, unit as person
from /*units*/
where unit not in (select key from person_map where site = {site:String} and key in (select unit from /*units*/))
