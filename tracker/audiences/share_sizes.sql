-- How many events a site has, and how many of them are of persons with several keys.
select count(), countIf(
    key in (select key from person_map where site = {site:String})
    or key in (select argMax(person, version) from person_map where site = {site:String} group by key)
)
from events
where site = {site:String}
