-- What nodes are called. Slots: label, events, counted, relevant.
select cityHash64(name) as node, toString(name) as name
from (
    select distinct /*label*/ as name
    from /*events*/
    where site = {site:String} and /*counted*/ and (/*relevant*/)
        and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
        and cityHash64(/*label*/) in {nodes:Array(UInt64)}
)
