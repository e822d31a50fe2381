-- How many people each period has: the set of a key's periods first, then that of its person. Slots: periods, united, positions,
-- person, events, persons, counted, event.
select number, count() as people
from (
    select arrayJoin(/*positions*/) as number
    from (
        select /*united*/ as periods
        from (
            select key, /*periods*/ as periods
            from /*events*/
            where site = {site:String} and /*counted*/ and (/*event*/)
                and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
            group by key
        ) as of_keys /*persons*/
        group by /*person*/
    )
)
group by number
