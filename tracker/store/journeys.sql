-- How a site's journeys are to be read.
select version, made, since, first, last, seen, moved, units, names, left_out, countries, devices, channels
from journey_sites
where site = {site:String}
order by version desc
limit 1
