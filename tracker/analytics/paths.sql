-- Where people go from where: one row a step, node and next node.
--
-- `packed` sorts as the contract orders events and ends in the node's 64-bit key; narrow: it lacks sequence and arrival,
-- and for a person for whom they decide there is nothing but a row of step 0 with the person as its source. A visit ends
-- with a pause; an event of the node before is merged into it. `paths` are the visits as far as they are shown, with 0
-- behind one that ends there and 1 behind one that does not (`mark`: these are no nodes). A person counts once a row
-- (`nth`) and once a node and step (`nth_node`), however often they take it; hops are told apart by 64-bit hashes.
-- Slots: packed, person, pauses, tied, cut, moment, shown, events, persons, counted, relevant, chosen.
select step, source, target, countIf(nth = 1) as people, countIf(nth_node = 1) as node_people,
    sum(lasted) as took, count() as times
from (
    select if(tied, 0, at) as step, source, target, lasted, nth, nth_node
    from (
        select tied, steps, marks, sources, took,
            arrayPushBack(arrayPopFront(sources), 0) as targets,
            arrayEnumerateUniq(arrayMap((node, next, step) -> node * 11400714819323198485 + next * 14029467366897019727
                + step * 1609587929392839161, sources, targets, steps)) as hops,
            arrayEnumerateUniq(arrayMap((node, step) -> node * 11400714819323198485 + step * 1609587929392839161,
                sources, steps)) as nodes
        from (
            select tied, steps, marks, arrayMap((p, step) -> if(tied, toUInt64(p), /*shown*/), flat, steps) as sources,
                arrayMap((p, next) -> next - p, moments, arrayPushBack(arrayPopFront(moments), 0)) as took
            from (
                select tied, arrayFlatten(paths) as flat,
                    arrayMap(p -> toInt64(/*moment*/), flat) as moments,
                    arrayFlatten(arrayMap(path -> arrayEnumerate(path), paths)) as steps,
                    arrayFlatten(arrayMap(path -> arrayPushBack(arrayResize([false], length(path) - 1), true), paths)) as marks
                from (
                    select tied, if(tied, [[person, 0]], arrayFilter(path -> length(path) > 1,
                        arrayMap(visit -> /*cut*/, visits))) as paths
                    from (
                        select tied, person, arraySplit((p, pause) -> pause,
                            arrayFilter((p, kept) -> kept, sorted, keeps), arrayFilter((p, kept) -> kept, pauses, keeps)) as visits
                        from (
                            select person, sorted, /*pauses*/ as pauses,
                                arrayMap((p, q, pause, at) -> at = 1 or pause or toUInt64(p) != toUInt64(q),
                                    sorted, before, pauses, arrayEnumerate(sorted)) as keeps,
                                /*tied*/ as tied
                            from (
                                select person, arraySort(packed) as sorted,
                                    arrayPopBack(arrayPushFront(sorted, sorted[1])) as before
                                from (
                                    select /*person*/ as person, groupArray(/*packed*/) as packed
                                    from /*events*/ /*persons*/
                                    where site = {site:String} and /*counted*/ and (/*relevant*/) and (/*chosen*/)
                                        and ts >= fromUnixTimestamp64Milli({from:Int64})
                                        and ts < fromUnixTimestamp64Milli({to:Int64})
                                    group by person
                                )
                            )
                        )
                    )
                )
                where notEmpty(paths)
            )
        )
    )
    array join steps as at, marks as mark, sources as source, targets as target, took as lasted, hops as nth, nodes as nth_node
    where not mark
)
group by step, source, target
order by step = 0 desc, people desc, step, source, target
limit {rows:UInt32}
