-- How a site's journeys are to be read.
select version, made, since, first, last, seen, moved, units, apart, tied, late, paid, spent, untold, names, others, left_out, countries, devices, channels,
    toUInt64(toUnixTimestamp64Nano(now64(9))) as now
from journey_sites
where site = {site:String}
order by version desc
limit 1
