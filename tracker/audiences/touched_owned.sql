-- All keys of those persons.
insert into touched_owned (key, person)
with candidates as (
    select person as key from touched_people
    union distinct
    select key from person_map where site = {site:String} and person in (select person from touched_people)
)
select key, if(owner = 0, key, owner) as person
from candidates
any left join (
    select key, argMax(person, version) as owner from person_map
    where site = {site:String} and key in (select key from candidates)
    group by key
) as mapped using (key)
where person in (select person from touched_people)
