-- Some persons' journeys, one row each.
--
-- A packed number of a key event is, from the top: milliseconds since `since` (32 bits), 1 bit for what cannot be held (too late, a
-- text that has no code), the codes of name (7 bits), country, device and channel (8 bits each). That of an event on a path is its
-- milliseconds and the code of its name (8 bits; 0: it has none). The same number twice is harmless. Who has two different ones
-- of one millisecond is `tied`; see `journey_rows.py` for what becomes of them.
-- Slots: unit, country, device, channel (SQL of the codes; 256 is none), on_path, sorted, walked (arrays of the numbers of key
-- events and of those on paths), dropped (whose arrays are left empty), events, persons, part (which persons).
insert into journeys (
    site, made, codes, unit, pairs, `held.at`, `held.code`, `held.country`, `held.device`, `held.channel`, `path.at`, `path.code`
)
select {site:String}, {made:UInt64},
    arrayFold((sum, code) -> bitOr(sum, bitShiftLeft(toUInt64(1), toUInt8(code - 1))), code, toUInt64(0))
        + multiIf(apart, {apart:UInt64}, tied, {mark:UInt64}, 0) + if(untold, {untold:UInt64}, 0),
    unit,
    arrayFold((sum, code) -> (bitOr(sum.1, bitRotateLeft(sum.2, (code * 29) % 64)), bitOr(sum.2, bitShiftLeft(toUInt64(1), code))),
        code, (toUInt64(0), toUInt64(0))).1,
    arrayMap(p -> toUInt32(bitShiftRight(p, 32)), sorted), code, arrayMap(p -> toUInt8(bitAnd(bitShiftRight(p, 16), 255)), sorted),
    arrayMap(p -> toUInt8(bitAnd(bitShiftRight(p, 8), 255)), sorted), arrayMap(p -> toUInt8(bitAnd(p, 255)), sorted),
    arrayMap(p -> toUInt32(bitShiftRight(p, 8)), walked), arrayMap(p -> toUInt8(bitAnd(p, 255)), walked)
from (
    select unit, apart, untold, tied, if(/*dropped*/, emptyArrayUInt64(), all) as sorted,
        if(untold or /*dropped*/, emptyArrayUInt64(), path) as walked,
        arrayMap(p -> toUInt8(bitAnd(bitShiftRight(p, 24), 127)), sorted) as code
    from (
        with least(toUnixTimestamp64Milli(ts) - {since:Int64}, {span:Int64} + 1) as time,
            transform(toString(event), {names:Array(String)}, {codes:Array(UInt8)}, 0) as name,
            bitShiftLeft(toUInt64(time), 32)
                + if(time > {span:Int64} or greatest(/*country*/, /*device*/, /*channel*/) = 256, toUInt64(2147483648), 0)
                + bitShiftLeft(toUInt64(name), 24) + bitShiftLeft(toUInt64(bitAnd(/*country*/, 255)), 16)
                + bitShiftLeft(toUInt64(bitAnd(/*device*/, 255)), 8) + toUInt64(bitAnd(/*channel*/, 255)) as packed,
            bitShiftLeft(toUInt64(time), 8) + name as step
        select /*unit*/ as unit, /*sorted*/ as all, /*walked*/ as path,
            arrayExists(p -> bitTest(p, 31), all) or length(all) >= {most:UInt64} as apart,
            arrayExists(p -> bitAnd(p, 255) = 0 or bitShiftRight(p, 8) > {span:Int64}, path) or length(path) >= {most:UInt64} as untold,
            arrayExists((p, after) -> p != after and bitShiftRight(p, 32) = bitShiftRight(after, 32),
                all, arrayShiftLeft(all, 1))
            or arrayExists((p, after) -> p != after and bitShiftRight(p, 8) = bitShiftRight(after, 8),
                path, arrayShiftLeft(path, 1)) as tied
        from /*events*/ /*persons*/
        where site = {site:String} and (/*on_path*/ or name between 1 and {keys:UInt8}) and bot = ''
            and ts >= fromUnixTimestamp64Milli({since:Int64}) and /*part*/
        group by unit
    )
)
