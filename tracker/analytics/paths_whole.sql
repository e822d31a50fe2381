-- The hops of each person's visits from their beginnings on. A place behind the last one that is shown has none.
-- Slots: wide, hop, sorted.
select who, arrayFilter(hop -> hop != 0, arrayMap((p, q, at, first) -> if(at - first < {steps:UInt32}, /*hop*/, 0),
    kept, arrayShiftLeft(kept, 1, to/*wide*/(1)), arrayEnumerate(kept), firsts)) as hops
from (
    select who, kept, arrayFill((at, p) -> bitAnd(p, 1) = 1, arrayEnumerate(kept), kept) as firsts
    from (/*sorted*/)
)
