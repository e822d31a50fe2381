-- What is known of each visit of some days, out of events: the first channel seen in it, and when (ties as in all reports: the
-- pixel's sequence number, then arrival), and who it is: `one`, and `others` where one session had several. Slot: seen.
select day, visit,
    max(in_session) as in_session,
    max(on_page) as on_page,
    argMinIf(toString(channel), (ts, seq, arrival), channel != '') as first_channel,
    minIf((ts, seq, arrival), channel != '') as first_at,
    tupleElement(first_at, 1) as first_ts,
    tupleElement(first_at, 2) as first_seq,
    tupleElement(first_at, 3) as first_arrival,
    countIf(event = 'purchase') as bought,
    sumMapIf(map(toString(currency), assumeNotNull(value)), event = 'purchase' and isNotNull(value)) as amounts,
    groupUniqArrayIf(number, number != 0) as numbers,
    numbers[1] as one,
    arraySlice(numbers, 2) as others,
    groupUniqArrayIf(person, number = 0) as strangers
from (/*seen*/) as seen
group by day, visit
