-- Of a build of a day that is not over: how many rows there are from before its cut, and how many came since.
select countIf(at < fromUnixTimestamp64Milli({cut:Int64})), countIf(at >= fromUnixTimestamp64Milli({cut:Int64}))
from recent
where site = {site:String} and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
