-- How many events of people each name of a site's month has, which texts its coded properties have, the largest sequence number.
-- Slot: events.
select event, count() as events, max(seq) as sequence, groupUniqArray({most:UInt32})(toString(channel)) as channels,
    groupUniqArray({most:UInt32})(toString(device)) as devices, groupUniqArray({most:UInt32})(toString(country)) as countries
from /*events*/
where site = {site:String} and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({until:Int64})
    and bot = ''
group by event
order by events desc, event
