-- Some persons' journeys, one row each, their events in the contract's order: time, sequence number, arrival.
--
-- A packed number is, from the top: time, sequence number, arrival, 1 bit for a text that has no code, the lane, the codes.
-- Slots: unit, wide (a type that holds such numbers), codes (SQL), events, persons, part (which persons), lanes.
insert into journeys (site, made, last, unit, uneven, /*columns*/)
select {site:String}, {made:UInt64}, toYYYYMM(fromUnixTimestamp64Milli({since:Int64} - 1 + toInt64(times[-1]), 'UTC')), unit,
    arrayMax(places) > 255 or arrayExists(p -> bitAnd(toUInt32(p), 16777216) != 0, sorted), /*lanes*/
from (
    select unit, sorted,
        arrayMap(p -> toUInt8(bitAnd(bitShiftRight(p, 19), 31)), sorted) as lane,
        arrayMap(p -> toUInt64(bitShiftRight(p, {time_shift:UInt8})), sorted) as times,
        arrayMap((t, before) -> t = before, times, arrayPushFront(arrayPopBack(times), toUInt64(0))) as again,
        arrayFill((first, same) -> not same, arrayEnumerate(sorted), again) as firsts,
        arrayMap((i, first) -> i - first, arrayEnumerate(sorted), firsts) as places,
        arrayMap((p, t, place) -> bitShiftLeft(t, 27) + bitShiftLeft(toUInt64(least(place, 255)), 19)
            + toUInt64(bitAnd(p, 524287)), sorted, times, places) as moments
    from (
        select /*unit*/ as unit, arraySort(groupArray(
            bitShiftLeft(to/*wide*/(toUnixTimestamp64Milli(ts) - {since:Int64} + 1), {time_shift:UInt8})
            + bitShiftLeft(to/*wide*/(seq), {seq_shift:UInt8}) + bitShiftLeft(to/*wide*/(arrival - {arrival:UInt64}), 25)
            + to/*wide*/(bitShiftLeft(transform(toString(event), {names:Array(String)}, {lanes:Array(UInt32)}, toUInt32(0)), 19))
            + to/*wide*/(/*codes*/)
        )) as sorted
        from /*events*/ /*persons*/
        where site = {site:String} and event in {names:Array(String)} and bot = ''
            and ts >= fromUnixTimestamp64Milli({since:Int64}) and ts <= fromUnixTimestamp64Milli({until:Int64})
            and /*part*/
        group by unit
    )
)
