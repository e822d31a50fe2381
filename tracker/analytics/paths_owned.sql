-- Keys that belong to somebody else, as of now.
select key, argMax(person_map.person, version) as person
from person_map
where site = {site:String}
group by key
