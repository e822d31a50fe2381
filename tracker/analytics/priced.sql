-- What the money of a range is made of: amounts by currency and day of the report's time zone, and how many events have one.
-- Slots: events, counted, event.
select toString(currency) as currency, toString(toDate(ts, {timezone:String})) as day, count() as purchases,
    sum(if(isFinite(assumeNotNull(value)), assumeNotNull(value), 0)) as amount
from /*events*/
where site = {site:String} and /*counted*/ and (/*event*/) and value is not null
    and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
group by currency, day
