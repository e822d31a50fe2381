-- Sessions that came to days that are not over since they were built.
select day, 'day' as kind, '' as entry, 0 as events, 0 as page_views, 0 as purchases, count() as sessions,
    map()::Map(String, Float64) as revenue,
    groupBitmapStateIf(toUInt32(0), false) as people, groupBitmapStateIf(toUInt32(0), false) as buyers,
    emptyArrayUInt64() as strangers, emptyArrayUInt64() as strange_buyers
from went
where in_session != 0 and build = 0
group by day
