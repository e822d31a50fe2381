-- The attempt that counts for every unit of an ordered or strict funnel with exclusions or optional steps, start by start.
--
-- The fold walks a unit's events from the last to the first. For every step p it carries the future of an attempt that
-- stands at p: the moments of the steps that will follow and the moment of the first excluded event that will hit it. So
-- at an event that serves step 1 the whole attempt is known, and the furthest one, of equals the later, is kept.
-- Slots: hits, step, init, reached, at, value.
select unit, /*value*/ as value, /*reached*/ as reached, /*at*/ as at
from (
    select *, arrayFold((a, m, c) -> /*step*/, arrayReverse(moments), arrayReverse(serves), /*init*/) as best
    from (
        select *, arraySort(packed) as sorted,
            arrayMap((p, i) -> bitOr(bitShiftLeft(toUInt64(bitShiftRight(p, {time_shift:UInt16})), 24), i),
                sorted, arrayEnumerate(sorted)) as moments,
            arrayMap(p -> toUInt64(bitAnd(p, {serves_mask:UInt64})), sorted) as serves
        from (/*hits*/)
    )
)
where best.1 > 0  -- moments are never 0: positions count from 1
