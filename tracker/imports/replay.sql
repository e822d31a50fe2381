-- Rejected events to try again: those of the given ids, or all of a site, the newest first.
-- `final`: a repeated segment writes the same row again.
select
    toString(arrival) as id,
    toUnixTimestamp64Milli(received) as received,
    toString(source) as source,
    toString(rejected.reason) as reason,
    raw
from rejected final
where site = {site:String} and ({all:UInt8} = 1 or has({ids:Array(UInt64)}, arrival))
order by rejected.arrival desc
limit {limit:UInt32}
