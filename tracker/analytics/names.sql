-- Which events a site sends. Bots' events do not count. Slot: events.
select event, count() as count, toUnixTimestamp64Milli(max(ts)) as last_seen
from /*events*/
where site = {site:String} and bot = ''
group by event
order by count desc, event
limit 1000
