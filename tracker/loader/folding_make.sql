-- A part of a site's month, one row a unit, its events in the contract's order: time, sequence number, arrival.
-- Slots: unit, wide (a type that holds milliseconds, sequence number, 56 bits of arrival and 24 of codes), events, persons, part,
-- lanes.
insert into journeys_made
select {site:String}, {month:UInt32}, unit, arrayMax(places) > 255, /*lanes*/
from (
    select unit,
        arrayMap(p -> toUInt8(bitAnd(p, 31)), sorted) as lane,
        arrayMap(p -> toUInt64(bitShiftRight(p, {time_shift:UInt8})), sorted) as times,
        arrayMap((t, before) -> t = before, times, arrayPushFront(arrayPopBack(times), toUInt64(0))) as again,
        arrayFill((first, same) -> not same, arrayEnumerate(sorted), again) as firsts,
        arrayMap((i, first) -> i - first, arrayEnumerate(sorted), firsts) as places,
        arrayMap((p, t, place) -> bitShiftLeft(t, 32) + bitShiftLeft(toUInt64(least(place, 255)), 24)
            + toUInt64(bitAnd(p, 16777184)), sorted, times, places) as moments
    from (
        select /*unit*/ as unit, arraySort(groupArray(
            bitShiftLeft(to/*wide*/(toUnixTimestamp64Milli(ts) - {from:Int64} + 1), {time_shift:UInt8})
            + bitShiftLeft(to/*wide*/(seq), 80) + bitShiftLeft(to/*wide*/(bitAnd(arrival, 72057594037927935)), 24)
            + bitShiftLeft(toUInt32(transform(toString(channel), {channels:Array(String)}, {channel_codes:Array(UInt32)}, 0)), 18)
            + bitShiftLeft(toUInt32(transform(toString(device), {devices:Array(String)}, {device_codes:Array(UInt32)}, 0)), 13)
            + bitShiftLeft(toUInt32(transform(toString(country), {countries:Array(String)}, {country_codes:Array(UInt32)}, 0)), 5)
            + transform(toString(event), {names:Array(String)}, {lanes:Array(UInt32)}, 0)
        )) as sorted
        from /*events*/ /*persons*/
        where site = {site:String} and event in {names:Array(String)} and bot = ''
            and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({until:Int64})
            and (/*part*/)
        group by unit
    )
)
