-- The converting purchase of every unit that reached the last step: how many and how much, by how far the attempt came
-- (`reached`, a bit a step), by day and currency, and by value of the breakdown where it is one of those `shown`.
-- It is the first such event from the moment of the last step (unordered: of the first match) to the end of the window.
-- Slots: attempts, unit, events, persons, counted, paid, since, last.
select has({shown:Array(String)}, touch) as part, if(part, touch, '') as value, reached, chosen.4 as money,
    isFinite(chosen.5) as known, count() as orders, sumIf(chosen.5, known) as amount,
    sumIf(chosen.5 * chosen.5, known) as squares
from (
    select touch, reached, arrayFirst(
        one -> one.1 >= toInt64(/*since*/) + {from:Int64} and one.1 <= toInt64(at[1]) + {from:Int64} + {worth_window:Int64},
        paid) as chosen
    from (select unit, value as touch, reached, at from (/*attempts*/) where /*last*/) as tried
    inner join (
        select /*unit*/ as unit, arraySort(groupArray((
            toUnixTimestamp64Milli(ts), seq, arrival,
            concat(toString(toDate(ts, {worth_zone:String})), currency), ifNull(value, nan)))) as paid
        from /*events*/ /*persons*/
        where site = {site:String} and /*counted*/
            and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts <= fromUnixTimestamp64Milli({until:Int64})
            and (/*paid*/)
        group by unit
    ) as bought using (unit)
)
where money != ''
group by part, value, reached, money, known
