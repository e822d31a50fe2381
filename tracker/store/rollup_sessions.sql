-- Sessions that came to days that are not over since they were built. Slot: came.
select day, 'day' as kind, '' as entry, 0 as events, 0 as page_views, 0 as purchases, uniqExact(visit) as sessions,
    map()::Map(String, Float64) as revenue,
    groupBitmapStateIf(toUInt32(0), false) as people, groupBitmapStateIf(toUInt32(0), false) as buyers,
    emptyArrayUInt64() as strangers, emptyArrayUInt64() as strange_buyers
from (
    select toDate(ts, {timezone:String}) as day, visit,
        transform(toUInt16(day), {open_days:Array(UInt16)}, {open_builds:Array(UInt64)}, toUInt64(0)) as build
    from /*came*/
    where in_session != 0
)
where (build, visit) not in (
    select build, visit from rollup_visits
    where build in {open_builds:Array(UInt64)} and visit in (select visit from /*came*/)
)
group by day
