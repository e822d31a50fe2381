-- One row a person, as `attribution_journeys.sql`, in numbers of half the width: without sequence and arrival, and with a
-- code for the key of an arrival.
--
-- A touch is milliseconds (51 bits), the key's code (11), whether it is a conversion itself (1) and whether it is direct (1);
-- an arrival is that and the visit (64). A conversion is milliseconds, 13 free bits and the bits of its amount (64). `apart`:
-- of whom that does not tell the paths: two arrivals of one millisecond differ, a touch has that of a conversion that is
-- another event, or an arrival has no session. Arrivals that differ in nothing are one.
-- Slots: person, code, converts, amount, conversion, events, persons, counted, chosen.
with arrayCompact(arraySort(arrivals)) as sorted,
    arrayMap(p -> toUInt64(p), sorted) as visits,
    arrayMap(p -> toUInt64(bitShiftRight(p, 64)), sorted) as all_touches,
    arrayMap(p -> bitShiftRight(p, 13), all_touches) as times,
    arrayMap(p -> toUInt64(bitShiftRight(p, 77)), conversions) as ends_at,
    length(arrayDistinct(ends_at)) < length(ends_at) as twice
select unit, conversions, arrayFilter((p, nth) -> nth = 1, all_touches, arrayEnumerateUniq(visits)) as touches,
    has(visits, 0) as loose,
    loose or length(arrayCompact(times)) < length(times)
        or arrayExists(at -> arrayExists(p -> bitShiftRight(p, 13) = at and (bitAnd(p, 2) = 0 or twice), touches), ends_at) as apart
from (
    select /*person*/ as unit, groupArrayIf(packed, not converted) as arrivals, groupArrayIf(packed, converted) as conversions
    from (
        select key, bitShiftLeft(toUInt128(bitShiftLeft(toUInt64(toUnixTimestamp64Milli(ts) - {read:Int64}), 13)
                + toUInt16(/*code*/ * 4 + (/*converts*/) * 2 + (channel = 'Direct'))), 64) + visit as packed, false as converted
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
