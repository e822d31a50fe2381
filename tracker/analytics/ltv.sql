-- Buyers whose first purchase ever lies in the range, by month of it (touched is '') and by channel of the first touch.
-- `by_month` is the money of all their purchases so far by month. Months are numbers of the site's calendar.
-- Slots: person, month, event, events, persons, counted, buyers, amount.
select cohort, touched, count() as buyers, sum(purchases) as purchases, sumMap(by_month.1, by_month.2) as by_month
from (
    select
        /*person*/ as who,
        if(countIf(channel != '') = 0, 'Unassigned', toString(argMinIf(channel, (ts, seq, arrival), channel != ''))) as touched,
        countIf(/*event*/) as purchases,
        toInt32(minIf(/*month*/, /*event*/)) as cohort,
        sumMapIf(
            [toInt32(/*month*/)],
            [/*amount*/],
            /*event*/) as by_month
    from /*events*/ /*persons*/
    where site = {site:String} and /*counted*/ and ts < fromUnixTimestamp64Milli({to:Int64})
        and (channel != '' or (/*event*/)) and /*buyers*/
    group by who
    having purchases > 0 and minIf(ts, /*event*/) >= fromUnixTimestamp64Milli({from:Int64})
)
group by grouping sets ((cohort), (touched))
