-- One figure an interval of the site's time zone. Slots: bucket, figure, events, counted, event.
select toString(/*bucket*/) as bucket, /*figure*/ as figure
from /*events*/
where site = {site:String} and /*counted*/ and (/*event*/)
    and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
group by bucket
