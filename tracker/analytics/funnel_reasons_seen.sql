-- What reasons look at of some events. Texts that these do not need are not read: `path` and `props` cost more than all else.
-- Slots: unit, path, props, events, counted, nobody, which.
select /*unit*/ as unit, ts, seq, arrival, event, type, session, /*path*/ as seen_path, /*props*/ as seen_props, country,
    device, browser, os, channel, referrer_host, utm_source, utm_medium, utm_campaign
from /*events*/
where site = {site:String} and /*counted*/ /*nobody*/ and /*which*/
    and ts >= fromUnixTimestamp64Milli({from:Int64} - {lookback:Int64})
    and ts <= fromUnixTimestamp64Milli({until:Int64})
