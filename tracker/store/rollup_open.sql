-- Visits of days that are not over by what brought them, as rows of `rollups` (one entry may have several): those of their
-- builds that nothing came for since; what purchases and further persons these had; and visits that go on or began since.
-- Slot: going, the last of these.
select toDate(transform(build, {open_builds:Array(UInt64)}, {open_days:Array(UInt16)}, toUInt16(0))) as day, 'channel' as kind,
    multiIf(first_channel != '', toString(first_channel), on_page != 0, 'Direct', 'Unassigned') as entry,
    0 as events, 0 as page_views, 0 as purchases, 0 as sessions, map()::Map(String, Float64) as revenue,
    groupBitmapStateIf(one, one != 0) as people,
    groupBitmapStateIf(toUInt32(0), false) as buyers,
    emptyArrayUInt64() as strangers, emptyArrayUInt64() as strange_buyers
from rollup_visits
where build in {open_builds:Array(UInt64)} and visit not in (select visit from came)
group by build, first_channel, on_page
union all
select toDate(transform(build, {open_builds:Array(UInt64)}, {open_days:Array(UInt16)}, toUInt16(0))), 'channel',
    multiIf(first_channel != '', toString(first_channel), on_page != 0, 'Direct', 'Unassigned'),
    0, 0, sum(bought), 0, sumMap(amounts),
    bitmapBuild(groupUniqArrayArray(others)),
    groupBitmapStateIf(toUInt32(0), false), emptyArrayUInt64(), emptyArrayUInt64()
from rollup_visits
where build in {open_builds:Array(UInt64)} and more != 0 and visit not in (select visit from came)
group by build, first_channel, on_page
union all
select day, kind, entry, events, page_views, purchases, sessions, revenue, people, buyers, strangers, strange_buyers
from (/*going*/)
