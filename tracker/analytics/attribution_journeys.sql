-- One row a person: the touches in order, and the conversions.
--
-- An arrival is an event that says a channel; of each visit (session) the first one is the touch. An event without a
-- session (its visit is 0) begins a visit unless the arrival before it is at most 30 minutes older and it is direct or of the
-- same origin. Both are numbers of 256 bits, because arrays of numbers are quick to gather and to sort: the place in time
-- (milliseconds, sequence number, arrival: 128 bits); of an arrival the visit (64) and the key's hash, whose lowest bit says
-- instead whether the arrival is direct; of a conversion the bits of its amount (the lowest 64).
-- Slots: person, place, hash, origins, origin, no_origin, touches, loose, amount, conversion, events, persons, counted, chosen.
with arraySort(arrivals) as sorted,
    arrayMap(p -> toUInt64(bitShiftRight(p, 64)), sorted) as visits,
    arrayMap((visit, nth) -> visit = 0 or nth = 1, visits, arrayEnumerateUniq(visits)) as begins,
    arrayFilter((p, begin) -> begin, sorted, begins) as begun
select unit, conversions, /*touches*/ as touches, /*loose*/ as loose, loose as apart
from (
    select /*person*/ as unit, groupArrayIf(packed, not converted) as arrivals,
        groupArrayIf(packed, converted) as conversions/*origins*/
    from (
        select key, bitShiftLeft(toUInt256(/*place*/), 128) + bitShiftLeft(toUInt256(visit), 64)
                + (bitAnd(/*hash*/, bitNot(toUInt64(1))) + (channel = 'Direct')) as packed, false as converted/*origin*/
        from /*events*/
        where site = {site:String} and bot = '' and channel != '' and (/*chosen*/)
            and ts >= fromUnixTimestamp64Milli({read:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
        union all
        select key, bitShiftLeft(toUInt256(/*place*/), 128) + reinterpretAsUInt64(toFloat64(/*amount*/)) as packed,
            true as converted/*no_origin*/
        from /*events*/
        where site = {site:String} and /*counted*/ and (/*conversion*/)
            and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
    ) as packed_events /*persons*/
    group by unit
)
