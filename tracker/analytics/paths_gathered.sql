-- One row a stored key: its events on paths as numbers, in any order.
-- Slots: packed, events, counted, relevant, chosen.
select key, groupArray(/*packed*/) as packed
from /*events*/
where site = {site:String} and /*counted*/ and (/*relevant*/) and (/*chosen*/)
    and ts >= fromUnixTimestamp64Milli({from:Int64})
    and ts < fromUnixTimestamp64Milli({to:Int64})
group by key
