-- One row a person, as `attribution_journeys.sql`, in numbers of half the width: without sequence and arrival, and with a
-- code for the key of an arrival.
--
-- An arrival is milliseconds (51 bits), visit (64), the key's code (11), whether it is a conversion itself (1) and whether
-- it is direct (1); a conversion is milliseconds, then the bits of its amount (64). Touches go on without the visit. `apart`:
-- of whom that does not tell the paths: two arrivals of one millisecond differ, a touch has that of a conversion that is
-- another event, a key came after the codes were given, or an arrival has no session. Arrivals that differ in nothing are one.
-- Slots: person, code, converts, amount, conversion, events, persons, counted, chosen.
with arrayCompact(arraySort(arrivals)) as sorted,
    arrayMap(p -> toUInt64(bitShiftRight(p, 13)), sorted) as visits,
    arrayMap(p -> toUInt64(bitShiftRight(p, 77)), sorted) as times,
    arrayMap(p -> toUInt64(bitShiftRight(p, 77)), conversions) as ends_at,
    length(arrayDistinct(ends_at)) < length(ends_at) as twice,
    arrayMap((time, p) -> bitShiftLeft(time, 13) + bitAnd(toUInt64(p), 8191), times, sorted) as short
select unit, conversions, arrayFilter((p, nth) -> nth = 1, short, arrayEnumerateUniq(visits)) as touches,
    has(visits, 0) as loose,
    loose or has(arrayPopFront(arrayDifference(times)), 0) or arrayExists(p -> bitAnd(p, 8188) = {new:UInt16} * 4, touches)
        or arrayExists(at -> arrayExists(p -> bitShiftRight(p, 13) = at and (bitAnd(p, 2) = 0 or twice), touches), ends_at) as apart
from (
    select /*person*/ as unit, groupArrayIf(packed, not converted) as arrivals, groupArrayIf(packed, converted) as conversions
    from (
        select key, bitShiftLeft(toUInt128(toUnixTimestamp64Milli(ts) - {read:Int64}), 77)
                + bitShiftLeft(toUInt128(visit), 13)
                + toUInt16(/*code*/ * 4 + (/*converts*/) * 2 + (channel = 'Direct')) as packed, false as converted
        from /*events*/
        where site = {site:String} and bot = '' and channel != '' and (/*chosen*/)
            and ts >= fromUnixTimestamp64Milli({read:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
        union all
        select key, bitShiftLeft(toUInt128(toUnixTimestamp64Milli(ts) - {read:Int64}), 77)
                + reinterpretAsUInt64(toFloat64(/*amount*/)) as packed, true as converted
        from /*events*/
        where site = {site:String} and /*counted*/ and (/*conversion*/)
            and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
    ) as packed_events /*persons*/
    group by unit
)
