-- One row a person: the touches in order, and the ends of paths. `packed` numbers sort by time, sequence number and arrival.
-- An arrival is an event that says a channel; of each visit (session) the first one is the touch. An event without a
-- session begins a visit unless the arrival before it is at most 30 minutes older and it is direct or of the same origin.
-- Tuples: arrival (packed, visit, key, origin, direct, loose); end (last packed, first packed, amount, converted).
-- Slots: person, packed, visit, key, amount, conversion, nulls, events, persons, counted, chosen.
with arraySort(one -> one.1, arrivals) as sorted,
    arrayFilter((one, nth) -> nth = 1, sorted, arrayEnumerateUniq(arrayMap(one -> one.2, sorted))) as begun
select /*person*/ as unit,
    groupArrayIf((/*packed*/, /*visit*/, xxHash64(/*key*/),
        if(session = '', xxHash64(channel, utm_source, utm_campaign, click_id_kind, referrer_host), 0),
        channel = 'Direct', session = ''), channel != '' and bot = '') as arrivals,
    groupArrayIf((/*packed*/, bitShiftLeft(toUInt128(toUnixTimestamp64Milli(ts) - {lookback:Int64} - {read:Int64}), 88),
        toFloat64(/*amount*/), 1),
        (/*conversion*/) and ts >= fromUnixTimestamp64Milli({from:Int64})) as conversions,
    arrayFilter((one, before) -> before.2 = 0 or not one.6
            or (bitShiftRight(one.1, 88) - bitShiftRight(before.1, 88) > 1800000)
            or (not one.5 and one.4 != before.4),
        begun, arrayPopBack(arrayPushFront(begun, defaultValueOfArgumentType(begun[1])))) as touches,
    /*nulls*/ as ends
from /*events*/ /*persons*/
where site = {site:String} and /*counted*/ and ts >= fromUnixTimestamp64Milli({read:Int64})
    and ts < fromUnixTimestamp64Milli({to:Int64}) and (channel != '' or (/*conversion*/)) and (/*chosen*/)
group by unit
