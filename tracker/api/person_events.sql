-- Everything that events hold of a person, the oldest first. Times are ms. Slots: events, after.
select toUnixTimestamp64Milli(events.ts) as ts, arrival, toString(events.id) as id, seq, event, type,
    message_id, toUnixTimestamp64Milli(events.original_ts) as original_ts, toUnixTimestamp64Milli(events.received) as received, visitor, user,
    previous, `group`, session, url, host, path, referrer, referrer_host, title, channel, utm_source, utm_medium, utm_campaign,
    utm_term, utm_content, click_id_kind, click_id, country, device, os, os_version, browser, browser_version, bot, language,
    timezone, screen, value, currency, items, props, traits, analytics, ads, gpc, mode, ip, ua, library, source
from /*events*/
where site = {site:String} and key in {keys:Array(UInt64)} and (/*after*/)
order by events.ts, arrival
limit {limit:UInt32}
