-- The persons of those keys by now; where a key went over to another person, the key itself too: it may have been one.
insert into touched_people (person, cause)
select arrayJoin(if(cause = 2, [by_now, key], [by_now])) as person, min(cause)
from (
    select key, cause, if(owner = 0, key, owner) as by_now
    from touched_keys
    any left join (
        select key, argMax(person, version) as owner from person_map
        where site = {site:String} and key in (select key from touched_keys)
        group by key
    ) as mapped using (key)
)
group by person
