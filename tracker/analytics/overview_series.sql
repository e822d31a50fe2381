-- The same day by day, in the site's time zone. Slots: events, persons, person.
select toString(toDate(ts, {timezone:String})) as entry,
    uniqExact(/*person*/) as people,
    count() as events,
    countIf(event = 'page_view') as page_views,
    countIf(event = 'purchase') as purchases,
    sumMapIf([concat(toString(toDate(ts, {timezone:String})), toString(currency))], [assumeNotNull(value)], event = 'purchase' and isNotNull(value)) as revenue
from /*events*/ /*persons*/
where site = {site:String} and bot = ''
    and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
group by entry
