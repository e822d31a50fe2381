-- One row a person: the touches in order, and the ends of paths. `packed` numbers sort by time, sequence number and arrival.
-- An arrival is an event that says a channel; of each visit (session) the first one is the touch. An event without a
-- session begins a visit unless the arrival before it is at most 30 minutes older and it is direct or of the same origin.
-- Tuples: arrival (packed, visit, key, origin, direct, loose); end (last packed, first packed, amount, converted). Their
-- parts are gathered apart: arrays of numbers are kept without a word of overhead, arrays of tuples are not.
-- Slots: person, packed, visit, key, amount, conversion, nulls, events, persons, counted, chosen.
with arrayZip(places, visits, keys, origins, directs, looses) as arrivals,
    arraySort(one -> one.1, arrivals) as sorted,
    arrayFilter((one, nth) -> nth = 1, sorted, arrayEnumerateUniq(arrayMap(one -> one.2, sorted))) as begun,
    arrayMap((place, amount) -> (place, bitShiftLeft(bitShiftRight(place, 88) - {lookback:Int64}, 88), amount, toUInt8(1)),
        ended, amounts) as conversions
select unit,
    arrayFilter((one, before) -> before.2 = 0 or not one.6
            or (bitShiftRight(one.1, 88) - bitShiftRight(before.1, 88) > 1800000)
            or (not one.5 and one.4 != before.4),
        begun, arrayPopBack(arrayPushFront(begun, defaultValueOfArgumentType(begun[1])))) as touches,
    /*nulls*/ as ends
from (
    select /*person*/ as unit,
        groupArrayIf(place, arrived) as places, groupArrayIf(visit, arrived) as visits,
        groupArrayIf(hash, arrived) as keys, groupArrayIf(origin, arrived) as origins,
        groupArrayIf(direct, arrived) as directs, groupArrayIf(loose, arrived) as looses,
        groupArrayIf(place, converted) as ended, groupArrayIf(amount, converted) as amounts
    from (
        select key, /*packed*/ as place, channel != '' and bot = '' as arrived,
            session = '' as loose, channel = 'Direct' as direct, xxHash64(/*key*/) as hash,
            xxHash64(channel, utm_source, utm_campaign, click_id_kind, referrer_host) as origin,
            if(session = '', sipHash64(place, origin), /*visit*/) as visit,
            (/*conversion*/) and ts >= fromUnixTimestamp64Milli({from:Int64}) as converted,
            if(converted, toFloat64(/*amount*/), 0) as amount
        from /*events*/
        where site = {site:String} and /*counted*/ and ts >= fromUnixTimestamp64Milli({read:Int64})
            and ts < fromUnixTimestamp64Milli({to:Int64}) and (channel != '' or (/*conversion*/)) and (/*chosen*/)
    ) as chosen_events /*persons*/
    group by unit
)
