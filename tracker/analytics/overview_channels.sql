-- People and purchases by the channel that brought the visit: the first channel seen in it. A visit is what one session does
-- on one day of the site's time zone. A visit to pages that says nothing about where it came from is a direct one; one
-- without any page (a server's call) cannot be assigned. Slots: events, persons, person, session.
select multiIf(arrival_channel != '', arrival_channel, on_pages, 'Direct', 'Unassigned') as entry,
    uniqExactArray(whom) as people, sum(bought) as purchases, sumMap(amounts) as revenue
from (
    select toDate(ts, {timezone:String}) as day, /*session*/ as visit,
        argMinIf(channel, (ts, seq, arrival), channel != '') as arrival_channel,
        max(url != '') as on_pages,
        groupUniqArray(/*person*/) as whom,
        countIf(event = 'purchase') as bought,
        sumMapIf(map(concat(toString(toDate(ts, {timezone:String})), toString(currency)), assumeNotNull(value)), event = 'purchase' and isNotNull(value)) as amounts
    from /*events*/ /*persons*/
    where site = {site:String} and bot = ''
        and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
    group by day, visit
)
group by entry
order by people desc, entry
limit {top:UInt32}
