-- The hops of each person's visits from their beginnings on. Slots: sorted, moment, node.
select tied, person, nodes, places,
    arrayMap((next, place, last) -> next * (not last) * (place < {steps:UInt32}) + ((not last) and place >= {steps:UInt32}),
        arrayPushBack(arrayPopFront(nodes), 0), places, arrayPushBack(arrayPopFront(begins), 1)) as nexts,
    arrayMap((moment, next) -> next - moment, moments, arrayPushBack(arrayPopFront(moments), 0)) as spans
from (
    with arrayFilter((p, keep) -> keep, sorted, keeps) as kept,
        arrayFilter((pause, keep) -> keep, pauses, keeps) as begins_kept
    select tied, person, arrayMap(p -> /*node*/, kept) as nodes, arrayMap(p -> toInt64(/*moment*/), kept) as moments,
        arrayMap((begin, at) -> begin or at = 1, begins_kept, arrayEnumerate(kept)) as begins,
        arrayMap((at, first) -> toUInt32(at - first + 1), arrayEnumerate(kept),
            arrayFill(at -> at != 0, arrayMap((begin, at) -> at * begin, begins, arrayEnumerate(kept)))) as places
    from (/*sorted*/)
)
