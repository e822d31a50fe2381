-- The biggest values of one column. Slots: key, events, persons, person, which, order.
select toString(/*key*/) as entry, count() as count, uniqExact(/*person*/) as people
from /*events*/ /*persons*/
where site = {site:String} and bot = '' and (/*which*/)
    and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
group by entry
order by /*order*/ desc, entry
limit {top:UInt32}
