-- Currencies of the purchases that have a value, the most frequent first. Slots: events, counted, event.
select currency, count() as purchases
from /*events*/
where site = {site:String} and /*counted*/ and (/*event*/) and value is not null
    and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
group by currency
order by purchases desc, currency
