-- The rows of `rollups` for some days, out of events: one for each day, kind of list and entry. Persons who have a number
-- are in the bitmaps, those who have none yet in `strangers`. A visit is what one session does on one day.
-- Slots: events, persons, person, session.
with seen as (
    select toDate(ts, {timezone:String}) as day, event, path, country, device, channel, on_page, visit, in_session,
        value, currency, ts, arrival, person, number
    from (
        select ts, arrival, event, path, country, device, channel, url != '' as on_page, value, currency,
            /*session*/ as visit, session != '' as in_session, /*person*/ as person
        from /*events*/ /*persons*/
        where site = {site:String} and bot = ''
            and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
            and toUInt16(toDate(ts, {timezone:String})) in {days:Array(UInt16)}
    ) as rows
    any left join (
        select key as person, any(number) as number
        from rollup_numbers
        where site = {site:String} and key in (
            select /*person*/
            from /*events*/ /*persons*/
            where site = {site:String} and bot = ''
                and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
        )
        group by key
    ) as numbers using (person)
)
select day, tupleElement(cell, 1) as kind, tupleElement(cell, 2) as entry,
    count() as events,
    countIf(event = 'page_view') as page_views,
    countIf(event = 'purchase') as purchases,
    uniqExactIf(visit, kind = 'day' and in_session) as sessions,
    sumMapIf(map(toString(currency), assumeNotNull(value)),
        isNotNull(value) and (kind = 'event' or kind = 'day' and event = 'purchase')) as revenue,
    groupBitmapStateIf(number, number != 0) as people,
    groupBitmapStateIf(number, number != 0 and event = 'purchase') as buyers,
    groupUniqArrayIf(person, number = 0) as strangers,
    groupUniqArrayIf(person, number = 0 and event = 'purchase') as strange_buyers
from seen
array join arrayFilter(one -> tupleElement(one, 1) != '', [
    ('day', ''),
    ('event', toString(event)),
    (if(event = 'page_view', 'page', ''), path),
    (if(country = '', '', 'country'), toString(country)),
    (if(device = '', '', 'device'), toString(device))
]) as cell
group by day, kind, entry
union all
select day, 'channel' as kind, multiIf(arrival_channel != '', arrival_channel, on_pages, 'Direct', 'Unassigned') as entry,
    0 as events, 0 as page_views,
    sumIf(bought, place = 1) as purchases,
    0 as sessions,
    sumMapIf(amounts, place = 1) as revenue,
    groupBitmapStateIf(tupleElement(whom[place], 2), tupleElement(whom[place], 2) != 0) as people,
    groupBitmapStateIf(toUInt32(0), false) as buyers,
    groupUniqArrayIf(tupleElement(whom[place], 1), tupleElement(whom[place], 2) = 0) as strangers,
    [] as strange_buyers
from (
    select day, visit,
        argMinIf(toString(channel), (ts, arrival), channel != '') as arrival_channel,
        max(on_page) as on_pages,
        countIf(event = 'purchase') as bought,
        sumMapIf(map(toString(currency), assumeNotNull(value)), event = 'purchase' and isNotNull(value)) as amounts,
        groupUniqArray((person, number)) as whom
    from seen
    group by day, visit
)
array join arrayEnumerate(whom) as place
group by day, entry
