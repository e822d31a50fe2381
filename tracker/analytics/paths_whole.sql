-- The hops of each person's visits from their beginnings on. A place behind the last one that is shown has none.
-- Slots: wide, hop, sorted.
select who, arrayFilter(hop -> hop != 0, arrayMap((p, q, at, first) -> if(at - first < {steps:UInt32}, /*hop*/, 0),
    kept, arrayPushBack(arrayPopFront(kept), to/*wide*/(1)), arrayEnumerate(kept), firsts)) as hops
from (
    select who, kept, arrayFill(at -> at != 0,
        arrayMap((p, at) -> toUInt32(bitAnd(p, 1)) * at, kept, arrayEnumerate(kept))) as firsts
    from (/*sorted*/)
)
