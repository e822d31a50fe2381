-- Buyers whose first purchase ever lies in the range: purchases after the first (a day's are one), days from the first to
-- the last and to the end of the range, and of the days with a value above 0 how many and their mean.
-- Persons' keys are hashes, so the first so many are a fair sample. Slots: person, events, persons, counted, event, amount.
select
    toFloat64(length(days) - 1) as again,
    toFloat64(arrayMax(days) - arrayMin(days)) as active,
    toFloat64(toInt32(toDate(fromUnixTimestamp64Milli({to:Int64} - 1), {timezone:String})) - arrayMin(days)) as observed,
    toFloat64(length(worth)) as paid,
    if(empty(worth), 0., arrayAvg(worth)) as mean,
    count() over () as buyers
from (
    select
        /*person*/ as who,
        groupUniqArray(toInt32(toDate(ts, {timezone:String}))) as days,
        arrayFilter(sum -> sum > 0, sumMap(
            [toInt32(toDate(ts, {timezone:String}))],
            [/*amount*/]).2) as worth
    from /*events*/ /*persons*/
    where site = {site:String} and /*counted*/ and ts < fromUnixTimestamp64Milli({to:Int64}) and (/*event*/)
    group by who
    having min(ts) >= fromUnixTimestamp64Milli({from:Int64})
)
order by who
limit {most:UInt32}
