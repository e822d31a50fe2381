-- As `predicted.sql`, with who they are: the person's key, the channel of the first touch (the first event ever that says
-- one), the number of all purchases and what they were worth. Slots: person, events, persons, counted, event, amount.
select
    who, touched, purchases, arraySum(sums) as money, arrayFilter(sum -> sum > 0, sums) as worth,
    toFloat64(length(days) - 1) as again,
    toFloat64(arrayMax(days) - arrayMin(days)) as active,
    toFloat64(toInt32(toDate(fromUnixTimestamp64Milli({to:Int64} - 1), {timezone:String})) - arrayMin(days)) as observed,
    toFloat64(length(worth)) as paid,
    if(empty(worth), 0., arrayAvg(worth)) as mean,
    count() over () as buyers
from (
    select
        /*person*/ as who,
        if(countIf(channel != '') = 0, 'Unassigned', toString(argMinIf(channel, (ts, seq, arrival), channel != ''))) as touched,
        countIf(/*event*/) as purchases,
        groupUniqArrayIf(toInt32(toDate(ts, {timezone:String})), /*event*/) as days,
        sumMapIf(
            [toInt32(toDate(ts, {timezone:String}))],
            [/*amount*/],
            /*event*/).2 as sums
    from /*events*/ /*persons*/
    where site = {site:String} and /*counted*/ and ts < fromUnixTimestamp64Milli({to:Int64})
        and (channel != '' or (/*event*/))
    group by who
    having purchases > 0 and minIf(ts, /*event*/) >= fromUnixTimestamp64Milli({from:Int64})
)
order by who
limit {most:UInt32}
