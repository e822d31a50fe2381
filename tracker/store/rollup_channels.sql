-- Visits by what brought them, as rows of `rollups`. A visit to pages that says nothing about where it came from is a direct
-- one; one without any page (a server's call) cannot be assigned. Slot: visits.
select day, 'channel' as kind,
    multiIf(first_channel != '', first_channel, on_page != 0, 'Direct', 'Unassigned') as entry,
    0 as events, 0 as page_views,
    sum(bought) as purchases,
    0 as sessions,
    sumMap(amounts) as revenue,
    bitmapOr(groupBitmapStateIf(one, one != 0), bitmapBuild(groupUniqArrayArray(others))) as people,
    groupBitmapStateIf(toUInt32(0), false) as buyers,
    groupUniqArrayArray(strangers) as strangers,
    emptyArrayUInt64() as strange_buyers
from (/*visits*/) as visits
group by day, entry
