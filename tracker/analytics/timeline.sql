-- What one person did, the newest first. Slots: events, theirs, after.
select toUnixTimestamp64Milli(ts) as at, seq, arrival, event, type, url, title, referrer, channel, country, device, session,
    visitor, user, value, currency, items, props
from /*events*/
where site = {site:String} and bot = '' and key in /*theirs*/ and (/*after*/)
order by ts desc, seq desc, arrival desc
limit {limit:UInt32}
