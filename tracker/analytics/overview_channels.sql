-- People and purchases by the channel that brought the visit: the first channel seen in the session. A visit to pages that
-- says nothing about where it came from is a direct one; one without any page (a server's call) cannot be assigned.
-- Slots: events, persons, person, session.
select multiIf(arrival_channel != '', arrival_channel, on_pages, 'Direct', 'Unassigned') as entry,
    uniqExact(person) as people, sum(bought) as purchases, sumMap(amounts) as revenue
from (
    select /*person*/ as person, /*session*/ as visit,
        argMinIf(channel, (ts, arrival), channel != '') as arrival_channel,
        max(url != '') as on_pages,
        countIf(event = 'purchase') as bought,
        sumMapIf(map(toString(currency), assumeNotNull(value)), event = 'purchase' and isNotNull(value)) as amounts
    from /*events*/ /*persons*/
    where site = {site:String} and bot = ''
        and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
    group by person, visit
)
group by entry
order by people desc, entry
limit {top:UInt32}
