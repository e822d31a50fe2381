-- Visits that something came for since the builds of days that are not over, a row each: what came of it, beside what its build
-- knows of it (`build` is 0 where it has begun since). `was` and `entry`: the channel before and now. Of all visits of the day
-- the last 16 bits are looked at first, as in `rollup_known`. Slot: fresh, what came.
select fresh.day as day, fresh.visit as visit, going.build as build, going.one as had, fresh.in_session as in_session,
    if(going.build = 0, '', multiIf(going.first_channel != '', going.first_channel, going.on_page != 0, 'Direct', 'Unassigned')) as was,
    multiIf(first_channel != '', first_channel, on_page != 0, 'Direct', 'Unassigned') as entry,
    if(going.first_channel != '' and (fresh.first_channel = ''
            or (going.first_ts, going.first_seq, going.first_arrival) < (fresh.first_ts, fresh.first_seq, fresh.first_arrival)),
        going.first_channel, fresh.first_channel) as first_channel,
    greatest(going.on_page, fresh.on_page) as on_page,
    fresh.bought as bought, fresh.amounts as amounts, fresh.one as one, fresh.others as others, fresh.strangers as strangers
from (/*fresh*/) as fresh
any left join (
    select build, toDate(transform(build, {open_builds:Array(UInt64)}, {open_days:Array(UInt16)}, toUInt16(0))) as day,
        visit, on_page, toString(first_channel) as first_channel, first_ts, first_seq, first_arrival, one
    from rollup_visits
    prewhere toUInt16(visit) in (select toUInt16(visit) from came_rows)
    where build in {open_builds:Array(UInt64)} and visit in (select visit from came_rows)
) as going on going.day = fresh.day and going.visit = fresh.visit
settings max_threads = 0
