-- Every buyer with scores. r: the fifth that the last purchase falls into, counting all that are not later, so the latest
-- is always in the fifth. f, m: the fifth after all that are smaller, so that equals share the lower score.
-- Slots: person, segment, amount, events, persons, counted, event.
select *, /*segment*/ as segment
from (
    select *, intDiv(f + m + 1, 2) as fm
    from (
        select
            who, purchases, money,
            intDiv({to:Int64} - last, 86400000) as days,
            toUInt8(ceil(5 * count() over (order by last range between unbounded preceding and current row)
                / count() over ())) as r,
            toUInt8(1 + intDiv(5 * (rank() over (order by purchases) - 1), count() over ())) as f,
            toUInt8(1 + intDiv(5 * (rank() over (order by money) - 1), count() over ())) as m
        from (
            select
                /*person*/ as who,
                toUnixTimestamp64Milli(max(ts)) as last,
                count() as purchases,
                round(sum(/*amount*/), 6) as money
            from /*events*/ /*persons*/
            where site = {site:String} and /*counted*/ and (/*event*/)
                and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
            group by who
        )
    )
)
