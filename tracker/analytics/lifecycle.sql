-- How many people were in which state in which period. `number` counts periods of the site's calendar, 0 is the first that
-- is asked for; `active` are those from the one before it, `began` is the person's first one ever.
-- Slots: number, person, events, persons, counted, event.
select one.1 as number, one.2 as state, count() as people
from (
    select arrayJoin(arrayConcat(
        arrayMap(p -> (p, multiIf(p = began, 'new', has(active, p - 1), 'returning', 'resurrecting')),
            arrayFilter(p -> p >= 0, active)),
        arrayMap(p -> (p + 1, 'dormant'), arrayFilter(p -> p < {last:Int64} and not has(active, p + 1), active))
    )) as one
    from (
        select /*person*/ as who, min(at) as began, groupUniqArrayIf(at, at >= -1) as active
        from (
            select *, toInt64(/*number*/) as at
            from /*events*/
            where site = {site:String} and /*counted*/ and (/*event*/) and ts < fromUnixTimestamp64Milli({to:Int64})
        ) as told /*persons*/
        group by who
        having notEmpty(active)
    )
)
group by number, state
