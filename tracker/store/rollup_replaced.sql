-- Rows of channels in place of those of builds, for the entries that visits have left: the persons without those whose last
-- visit went; purchases and amounts of the visits that stay; and what the visits that left bring where they are now.
select day, 'channel' as kind, entry, 0 as events, 0 as page_views, 0 as purchases, 0 as sessions,
    map()::Map(String, Float64) as revenue,
    bitmapAndnot(people, gone.numbers) as people,
    bitmapBuild(emptyArrayUInt32()) as buyers, emptyArrayUInt64() as strangers, emptyArrayUInt64() as strange_buyers
from (
    select day, build, entry, groupBitmapMergeState(people) as people
    from rollups
    where site = {site:String} and zone = {timezone:String} and kind = 'channel' and build in {open_builds:Array(UInt64)}
        and entry in (select was from moved)
    group by day, build, entry
) as stored
any left join (
    select build, was as entry, groupBitmapState(number) as numbers
    from (select build, was, arrayJoin(numbers) as number from moved)
    where (build, was, number) not in (
        select build, multiIf(first_channel != '', toString(first_channel), on_page != 0, 'Direct', 'Unassigned'),
            arrayJoin(if(one = 0, others, arrayPushFront(others, one))) as number
        from rollup_visits
        where build in {open_builds:Array(UInt64)} and (more != 0 or one in (select arrayJoin(numbers) from moved))
            and (build, visit) not in (select build, visit from moved)
    )
    group by build, entry
) as gone using (build, entry)
union all
select toDate(transform(build, {open_builds:Array(UInt64)}, {open_days:Array(UInt16)}, toUInt16(0))), 'channel',
    multiIf(first_channel != '', toString(first_channel), on_page != 0, 'Direct', 'Unassigned') as entry,
    0, 0, sum(bought), 0, sumMap(amounts), groupBitmapStateIf(toUInt32(0), false), groupBitmapStateIf(toUInt32(0), false),
    emptyArrayUInt64(), emptyArrayUInt64()
from rollup_visits
where build in {open_builds:Array(UInt64)} and more != 0 and (build, visit) not in (select build, visit from moved)
group by build, entry
having entry in (select was from moved)
union all
select day, 'channel', entry, 0, 0, sum(bought), 0, sumMap(amounts), bitmapBuild(groupUniqArrayArray(numbers)),
    groupBitmapStateIf(toUInt32(0), false), emptyArrayUInt64(), emptyArrayUInt64()
from moved
group by day, entry
