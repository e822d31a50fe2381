-- The event that was received last, bots included: the question is whether the snippet works.
select toString(event) as event, toUnixTimestamp64Milli(events.ts) as ts, toUnixTimestamp64Milli(events.received) as received, url
from /*events*/
where site = {site:String}
order by events.received desc
limit 1
