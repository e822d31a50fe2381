-- All paths at once: what each key is credited with, and how long paths are and take. A path is the keys of the touches that
-- led to one conversion, or (Markov only) to none. `facts` are what it adds to, each two numbers in one (`attribution_query`):
-- (8, 0) a person with an arrival without a session; (7, 0) a person to be asked about apart, of whom nothing else is said
-- but the number of conversions (`amounts`), once for each end of a path; (6, 0) a conversion without a touch; (5, 0) one
-- with; (4, n) a path of n touches; (3, key) credit; (state, next state) of the chain, where 0 is its start, 1 a conversion
-- and 2 the end without one. `middles` are the ages around the median, in order, the first one at place `skipped` among all.
-- An end is a conversion or `nothing`. A choice between two lists costs more than all else here: hence the numbers.
-- Slots: journeys, ends, nothing, amount, ms, first, last, keys, ages, direct, shares, facts, weights, joined, weight, kind,
-- name, touched, left_out, apart.
select kind, name, times, credit, amounts, aged, toInt64(/*apart*/) as room, units,
    greatest(toInt64(intDiv(length(ages), 2)) - room - 1, 0) as skipped,
    arraySlice(ages, skipped + 1, 2 * room + 4) as middles
from (
    select /*kind*/ as kind, /*name*/ as name, count() as times, sum(/*weight*/) as credit, sum(/*weight*/ * amount) as amounts,
        sumIf(age, fact = /*touched*/) as aged, arraySort(groupArrayIf(age, fact = /*touched*/)) as ages,
        groupArrayIf({most_apart:UInt32})(unit, fact = /*left_out*/) as units
    from (
        with /*keys*/ as keys, /*ages*/ as ages, /*direct*/ as direct, /*shares*/ as credited
        select unit, if(apart, toFloat64(converted), /*amount*/) as amount, ages[1] as age, /*facts*/ as facts/*weights*/
        from (
            select unit, loose, apart, p, converted, at, arrayFilter(touch -> touch >= least_touch and touch <= last_touch, touches) as path,
                length(path) as n
            from (
                select unit, loose, apart, touches, p, p != /*nothing*/ as converted, /*ms*/ as at,
                    /*first*/ as least_touch, /*last*/ as last_touch
                from (select unit, loose, apart, touches, conversions, arrayJoin(/*ends*/) as p from (/*journeys*/))
            )
            where converted or n > 0 or apart
        )
    )
    array join facts as fact/*joined*/
    group by fact
)
