-- The hops of each person's visits as far as they lie between the nodes that were asked for. `paths` are the visits as far
-- as they are shown, with what is no node behind each: that it ends there, or how it goes on.
-- Slots: cut, is_node, hop, sorted.
select who, arrayFilter(hop -> hop != 0,
    arrayMap((p, q, place) -> if(/*is_node*/, /*hop*/, 0), flat, arrayShiftLeft(flat, 1), places)) as hops
from (
    select who, arrayFlatten(paths) as flat, arrayFlatten(arrayMap(path -> arrayEnumerate(path), paths)) as places
    from (
        select who, arrayFilter(path -> length(path) > 1, arrayMap(visit -> /*cut*/, visits)) as paths
        from (select who, arraySplit(p -> bitAnd(p, 1) = 1, kept) as visits from (/*sorted*/))
    )
    where notEmpty(paths) or who != 0
)
