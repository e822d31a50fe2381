-- One row a stored key: the first period of its events ever, and the set of those that are asked for.
-- Slots: began, periods, events, counted, event.
select key, min(/*began*/) as began, /*periods*/ as periods
from /*events*/
where site = {site:String} and /*counted*/ and (/*event*/) and ts < fromUnixTimestamp64Milli({to:Int64})
group by key
