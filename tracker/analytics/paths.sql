-- Where people go from where: one row a step, node and next node.
--
-- `packed` sorts as the contract orders events and ends in the node's 64-bit key; narrow: it lacks sequence and arrival,
-- and a row of step 0 says that there are people for whom they decide. A visit ends with a pause; an event of the node before is merged
-- into it. `paths` are the visits as far as they are shown, with 0 behind one that ends there and 1 behind one that does not.
-- A person counts once a row (`nth`) and once a node and step (`nth_node`), however often they take it.
-- Slots: packed, person, pauses, tied, cut, source, target, events, persons, counted, relevant.
select step, source, target, countIf(nth = 1) as people, countIf(nth_node = 1) as node_people,
    avg(took) / 1000 as seconds
from (
    select hop.1 as step, hop.2 as source, hop.3 as target, hop.4 as took, nth, nth_node
    from (
        select if(tied, [(toUInt8(0), toUInt64(0), toUInt64(0), toInt64(0))], arrayFlatten(arrayMap(path -> arrayMap(
                (step, here, next) -> (toUInt8(step), /*source*/, /*target*/,
                    toInt64(bitShiftRight(next, {shift:UInt16})) - toInt64(bitShiftRight(here, {shift:UInt16}))),
                arrayEnumerate(arrayPopBack(path)), arrayPopBack(path), arrayPopFront(path)), paths))) as hops
        from (
            select tied, arrayFilter(path -> length(path) > 1, arrayMap(visit -> /*cut*/, visits)) as paths
            from (
                select tied, arraySplit((p, pause) -> pause,
                    arrayFilter((p, kept) -> kept, sorted, keeps), arrayFilter((p, kept) -> kept, pauses, keeps)) as visits
                from (
                    select *, /*pauses*/ as pauses,
                        arrayMap((p, q, pause, at) -> at = 1 or pause or toUInt64(p) != toUInt64(q),
                            sorted, before, pauses, arrayEnumerate(sorted)) as keeps,
                        /*tied*/ as tied
                    from (
                        select arraySort(packed) as sorted, arrayPopBack(arrayPushFront(sorted, sorted[1])) as before
                        from (
                            select /*person*/ as person, groupArray(/*packed*/) as packed
                            from /*events*/ /*persons*/
                            where site = {site:String} and /*counted*/ and (/*relevant*/)
                                and ts >= fromUnixTimestamp64Milli({from:Int64})
                                and ts < fromUnixTimestamp64Milli({to:Int64})
                            group by person
                        )
                    )
                )
            )
        )
    )
    array join hops as hop, arrayEnumerateUniq(hops.1, hops.2, hops.3) as nth,
        arrayEnumerateUniq(hops.1, hops.2) as nth_node
)
group by step, source, target
order by step = 0 desc, people desc, step, source, target
limit {rows:UInt32}
