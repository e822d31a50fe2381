-- The latest events of the last day before the newest one. Slot: events.
select toUnixTimestamp64Milli(ts) as at, event, if(user != '', user, visitor) as person, url, country, device, channel, value,
    currency
from /*events*/
where site = {site:String} and bot = '' and ts >= fromUnixTimestamp64Milli({since:Int64})
order by ts desc, seq desc, arrival desc
limit {limit:UInt32}
