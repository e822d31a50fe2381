-- Keys that some persons were known by before they were recognised, or merged. The map is whole on every node.
select person as who, groupArray(key) as keys
from (select key, argMax(person, version) as person from person_map where site = {site:String} group by key)
where person in {people:Array(UInt64)} and key != person
group by who
