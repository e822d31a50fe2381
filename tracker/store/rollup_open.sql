-- The visits of days that are not over, in the columns of `rollup_visits.sql` that channels need: those of their builds, and what
-- came since; a visit that goes on is put together. Slots: came (what came since), fresh (visits of it).
select toDate(transform(build, {open_builds:Array(UInt64)}, {open_days:Array(UInt16)}, toUInt16(0))) as day,
    toString(first_channel) as first_channel, on_page, bought, amounts, one, others, emptyArrayUInt64() as strangers
from rollup_visits
where build in {open_builds:Array(UInt64)} and visit not in (select visit from /*came*/)
union all
select day,
    argMinIf(first_channel, (first_ts, first_seq, first_arrival), first_channel != ''),
    max(on_page), sum(bought), sumMap(amounts),
    groupUniqArrayArray(numbers)[1], arraySlice(groupUniqArrayArray(numbers), 2), groupUniqArrayArray(strangers)
from (
    select day, visit, first_channel, first_ts, first_seq, first_arrival, on_page, bought, amounts, numbers, strangers
    from (/*fresh*/)
    union all
    select toDate(transform(build, {open_builds:Array(UInt64)}, {open_days:Array(UInt16)}, toUInt16(0))), visit,
        toString(first_channel), first_ts, first_seq, first_arrival, on_page, bought, amounts,
        if(one = 0, others, arrayPushFront(others, one)), emptyArrayUInt64()
    from rollup_visits
    where build in {open_builds:Array(UInt64)} and visit in (select visit from /*came*/)
)
group by day, visit
