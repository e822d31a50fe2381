-- How a site's journeys are to be read.
select version, made, since, seen, moved, units, names, countries, devices, channels
from journey_sites
where site = {site:String}
order by version desc
limit 1
