-- The figures of a period and of the one before it, in one pass. `now` says which of the two a row belongs to.
-- Slots: events, persons, person, session.
select ts >= fromUnixTimestamp64Milli({from:Int64}) as now,
    uniqExact(/*person*/) as people,
    uniqExactIf(/*session*/, session != '') as sessions,
    count() as events,
    countIf(event = 'page_view') as page_views,
    countIf(event = 'purchase') as purchases,
    uniqExactIf(/*person*/, event = 'purchase') as buyers,
    sumMapIf([toString(currency)], [assumeNotNull(value)], event = 'purchase' and isNotNull(value)) as revenue
from /*events*/ /*persons*/
where site = {site:String} and bot = ''
    and ts >= fromUnixTimestamp64Milli({before:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
group by now
