-- The attempt that counts for every unit of an unordered funnel.
--
-- Every event that serves a step can start an attempt. `next_M_j` says at every event when the j-th event from here on
-- comes that serves exactly the steps of mask M; of one kind no more than M has steps can be used. `takes` are, for each
-- event as a start, the moments at which one more distinct step is matched within the window, in order.
-- Slots: hits, upcoming, takes, value.
select unit, /*value*/ as value, bitShiftLeft(toUInt32(1), furthest) - 1 as reached,
    arrayResize(arrayMap(x -> bitShiftRight(x, 24), takes[arrayLastIndex(x -> x = furthest, counts)]),
        {steps:UInt8}, toUInt64(0)) as at
from (
    select *, arrayMap((m, t) -> if(m < {limit:UInt64}, toUInt8(length(t)), 0), moments, takes) as counts,
        arrayMax(counts) as furthest
    from (
        select *, /*takes*/ as takes
        from (
            select *, /*upcoming*/
            from (
                select *, arraySort(packed) as sorted,
                    arrayMap((p, i) -> bitOr(bitShiftLeft(toUInt64(bitShiftRight(p, {time_shift:UInt16})), 24), i),
                        sorted, arrayEnumerate(sorted)) as moments,
                    arrayMap(p -> toUInt64(bitAnd(p, {serves_mask:UInt64})), sorted) as serves
                from (/*hits*/)
            )
        )
    )
)
where furthest > 0
