-- Of each build of a day that is not over: how many of its rows there are still, and how many came since.
select build, countIf(came < cut) as before, countIf(came >= cut) as since
from (
    select toUnixTimestamp64Milli(at) as came,
        transform(toUInt16(toDate(ts, {timezone:String})), {open_days:Array(UInt16)}, {open_builds:Array(UInt64)}, toUInt64(0)) as build,
        transform(build, {open_builds:Array(UInt64)}, {cuts:Array(Int64)}, toInt64(0)) as cut
    from recent
    where site = {site:String}
        and ts >= fromUnixTimestamp64Milli({open_from:Int64}) and ts < fromUnixTimestamp64Milli({open_to:Int64})
)
where build != 0
group by build
