-- What reasons look at of some events, texts as hashes (0 where there is none). Texts that these do not need are not read: `path`
-- and `props` cost more than all else. Slots: unit, hashes, page, path, props, events, counted, nobody, which.
select /*unit*/ as unit, ts, seq, arrival, event as event_name, type, /*page*/ as page, /*path*/ as page_text, /*props*/ as said, /*hashes*/
from /*events*/
where site = {site:String} and /*counted*/ /*nobody*/ and /*which*/
    and ts >= fromUnixTimestamp64Milli({from:Int64} - {lookback:Int64})
    and ts <= fromUnixTimestamp64Milli({until:Int64})
