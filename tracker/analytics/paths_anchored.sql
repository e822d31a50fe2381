-- The hops of each person's visits as far as they lie between the nodes that were asked for. `paths` are the visits as far
-- as they are shown, with 0 behind one that ends there and 1 behind one that does not (`mark`: these are no nodes).
-- Slots: cut, moment, node, sorted.
select tied, person, arrayMap(p -> /*node*/, flat) as nodes,
    arrayMap((place, mark) -> toUInt32(place * not mark), places_marked, marks) as places,
    arrayPushBack(arrayPopFront(nodes), 0) as nexts,
    arrayMap((moment, next) -> next - moment, moments, arrayPushBack(arrayPopFront(moments), 0)) as spans
from (
    select tied, person, arrayFlatten(paths) as flat, arrayMap(p -> toInt64(/*moment*/), flat) as moments,
        arrayFlatten(arrayMap(path -> arrayEnumerate(path), paths)) as places_marked,
        arrayFlatten(arrayMap(path -> arrayPushBack(arrayResize([false], length(path) - 1), true), paths)) as marks
    from (
        select tied, person, if(tied, [[person, 0]], arrayFilter(path -> length(path) > 1,
            arrayMap(visit -> /*cut*/, visits))) as paths
        from (
            select tied, person, arraySplit((p, pause) -> pause,
                arrayFilter((p, kept) -> kept, sorted, keeps), arrayFilter((p, kept) -> kept, pauses, keeps)) as visits
            from (/*sorted*/)
        )
    )
    where notEmpty(paths)
)
