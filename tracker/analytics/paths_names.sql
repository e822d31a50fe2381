-- What nodes are called. Slots: label, events, counted, relevant.
select cityHash64(/*label*/) as node, any(/*label*/) as name
from /*events*/
where site = {site:String} and /*counted*/ and (/*relevant*/)
    and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
    and has({nodes:Array(UInt64)}, node)
group by node
