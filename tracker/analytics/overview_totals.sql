-- The figures of a period. A session counts once on each day of the site's time zone.
-- Money goes by day and currency. Slots: events, persons, person, session.
select uniqExact(/*person*/) as people,
    uniqExactIf((/*session*/, toDate(ts, {timezone:String})), session != '') as sessions,
    count() as events,
    countIf(event = 'page_view') as page_views,
    countIf(event = 'purchase') as purchases,
    uniqExactIf(/*person*/, event = 'purchase') as buyers,
    sumMapIf([concat(toString(toDate(ts, {timezone:String})), toString(currency))], [assumeNotNull(value)], event = 'purchase' and isNotNull(value)) as revenue
from /*events*/ /*persons*/
where site = {site:String} and bot = ''
    and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
