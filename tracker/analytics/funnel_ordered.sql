-- The report of an ordered funnel in which no event serves two steps.
--
-- `sorted`: a unit's events in order, each a number of its moment, in its lower bits the step that it serves and maybe the
-- value that it brings. `latest_k` says at every event which start is the latest that has got as far as step k within the
-- window (`funnel_fill.sql` tells why that is enough). What follows step 2 is computed only for those who got there, in
-- lists of one list; the others have none. (`arrayMap` copies a list for half of what `arrayWithConstant` takes, and leaving
-- out who did not start would copy the lists of all others.) `took` are the milliseconds from each step to the next.
-- `ties`: how many units need two steps in the same millisecond, which the narrow numbers cannot tell; they are left out
-- here and count at step 1 in any case, `tied_units` says which.
-- `told` says of the waits before each step from the second on: how many, their sum, and in order those around the median
-- (`middles`). Steps that nobody got to are not in it.
-- `touched` is a breakdown's value or its code, `doubts`: of how many units the code does not tell it for sure; they are
-- among the ties, and may belong to any row: `apart` is how many of those asked about apart a row may get at most.
-- What is easily made of a row by its reader is left to it: each function of this level costs half a millisecond of planning.
-- Slots: hits, sorted, first, second, further, touched, unsure, waits, tied, among, value, groups, kind, apart, middles, biggest.
select part, /*value*/ as value, starts, ties, tied_units, doubts, /*apart*/ as apart,
    arrayMap(one -> (length(one), arraySum(one), /*middles*/), waits) as told
from (
    select /*kind*/ as part, touched, countIf(started and not tied) as starts, countIf(tied) as ties,
        groupArrayIf({most_tied:UInt32})(unit, tied) as tied_units, countIf(unsure and started) as doubts,
        arrayMap(one -> arraySort(one), groupArrayForEachArrayIf(took, not tied)) as waits
    from (
        select unit, touched, unsure, started, /*waits*/ as took, /*tied*/ as tied
        from (
            select unit, touched, unsure, started, moments, latest_2/*further*/
            from (
                select unit, touched, unsure, first[-1] != 0 as started, range(second[-1] != 0) as goes_on,
                    arrayMap(one -> sorted, goes_on) as moments, arrayMap(one -> second, goes_on) as latest_2
                from (
                    select unit, touched, /*unsure*/ as unsure, sorted, /*first*/ as first, /*second*/ as second
                    from (select */*touched*/ from (select *, /*sorted*/ as sorted from (/*hits*/)))
                )
            )
        )
    )
    where /*among*/
    group by /*groups*/
)
/*biggest*/
