-- The rows of `rollups` for some days, but for channels, out of events: one for each day, kind of list and entry. Persons who
-- have a number are in the bitmaps, those who have none yet in `strangers`. Slot: seen.
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
from (/*seen*/) as seen
array join arrayFilter(one -> tupleElement(one, 1) in {kinds:Array(String)}, [
    ('day', ''),
    ('event', toString(event)),
    (if(event = 'page_view', 'page', ''), path),
    (if(country = '', '', 'country'), toString(country)),
    (if(device = '', '', 'device'), toString(device))
]) as cell
group by day, kind, entry
