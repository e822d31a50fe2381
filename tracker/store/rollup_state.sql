-- What is known of each day that has events: how much came for it, and what its build has seen of that.
select toUInt16(day) as number, sum(amount) as touched, max(seen) as built, max(made) as build, max(known) as version
from (
    select toDate(slot, {timezone:String}) as day, sum(amount) as amount, 0 as seen, 0 as made, 0 as known
    from touched_slots
    where site = {site:String} and slot >= toDateTime({since:UInt32}, 'UTC') and slot < toDateTime({until:UInt32}, 'UTC')
    group by day
    union all
    select day, 0, argMax(touched, build), max(build), argMax(version, build)
    from rollup_days
    where site = {site:String} and zone = {timezone:String}
        and day >= toDate({since:UInt32}, {timezone:String}) and day <= toDate({until:UInt32} - 1, {timezone:String})
    group by day
)
group by day
having touched > 0
order by number
