-- All keys of some persons, and whose they are. Slot: units, a table with the column `unit`.
with candidates as (
    select unit as key from /*units*/
    union distinct
    select key from person_map where site = {site:String} and person in (select unit from /*units*/)
)
select key, if(owner = 0, key, owner) as person
from candidates
any left join (
    select key, argMax(person, version) as owner from person_map
    where site = {site:String} and key in (select key from candidates) group by key
) as found using (key)
where person in (select unit from /*units*/)
