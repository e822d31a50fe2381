-- The latest events that were not accepted. `final`: a repeated segment writes the same row again.
select
    toString(arrival) as id,
    site,
    toString(reason) as reason,
    message,
    toUnixTimestamp64Milli(received) as received,
    toString(source) as source,
    raw
from rejected final
where site = {site:String}
order by rejected.arrival desc
limit {limit:UInt32}
