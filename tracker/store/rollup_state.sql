-- What is known of each day that has events: how much came for it, and what its build has seen of that. `newest`: the highest
-- version of the map of persons, beside each.
select toUInt16(day) as number, sum(amount) as touched, max(seen) as built, max(made) as build, max(known) as version,
    max(cut_at) as cut, max(came_before) as came,
    (select max(version) from person_map where site = {site:String}) as newest
from (
    select toDate(slot, {timezone:String}) as day, sum(amount) as amount, 0 as seen, 0 as made, 0 as known,
        0 as cut_at, 0 as came_before
    from touched_slots
    where site = {site:String} and slot >= toDateTime({since:UInt32}, 'UTC') and slot < toDateTime({until:UInt32}, 'UTC')
    group by day
    union all
    select day, 0, argMax(touched, build), max(build), argMax(version, build), argMax(cut, build), argMax(came, build)
    from rollup_days
    where site = {site:String} and zone = {timezone:String}
        and day >= toDate({since:UInt32}, {timezone:String}) and day <= toDate({until:UInt32} - 1, {timezone:String})
    group by day
)
group by day
having touched > 0
order by number
settings max_threads = 1
