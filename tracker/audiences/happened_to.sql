-- Persons of a range to whom something happened, by now or before a key went over to somebody else. Slot: happened.
with happened as (
/*happened*/
)
select distinct arrayJoin(if(owner = 0, [key], [key, owner])) as who
from happened
any left join (
    select key, argMax(person, version) as owner from person_map
    where site = {site:String} and key in (select key from happened)
    group by key
) as mapped using (key)
where who >= {first:UInt64} and who <= {last:UInt64}
order by who
