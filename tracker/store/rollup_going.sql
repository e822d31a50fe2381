-- Visits that go on or began since the builds of days that are not over, in the columns that channels need. Slot: fresh, what came.
select day,
    argMinIf(first_channel, (first_ts, first_seq, first_arrival), first_channel != '') as first_channel,
    max(on_page) as on_page, sum(bought) as bought, sumMap(amounts) as amounts,
    groupUniqArrayArray(numbers) as whom, whom[1] as one, arraySlice(whom, 2) as others,
    groupUniqArrayArray(strangers) as strangers
from (
    select day, visit, first_channel, first_ts, first_seq, first_arrival, on_page, bought, amounts, numbers, strangers
    from (/*fresh*/)
    union all
    select toDate(transform(build, {open_builds:Array(UInt64)}, {open_days:Array(UInt16)}, toUInt16(0))), visit,
        toString(first_channel), first_ts, first_seq, first_arrival, on_page, bought, amounts,
        if(one = 0, others, arrayPushFront(others, one)), emptyArrayUInt64()
    from going
)
group by day, visit
