-- All paths at once: what each key is credited with, and how long paths are and take. A path is the keys of the touches that
-- led to one conversion, or (Markov only) to none. `facts` are what it adds to, each two numbers in one (`attribution_query`):
-- (8, 0) a person with an arrival without a session; (7, 0) a person to be asked about apart, of whom nothing else is said
-- but the number of conversions (`amounts`); (6, 0) a conversion without a touch; (5, 0) one with; (4, n) a path of n touches;
-- (3, key) credit; (state, next state) of the chain, where 0 is its start, 1 a conversion and 2 the end without one.
-- `middles` are the ages around the median, in order, the first one at place `skipped` among all of them.
-- Slots: journeys, ends, keys, ages, direct, shares, facts, weights, kind, name, touched, left_out, apart.
select kind, name, times, credit, amounts, aged, toInt64(/*apart*/) as room, units,
    greatest(toInt64(intDiv(length(ages), 2)) - room - 1, 0) as skipped,
    arraySlice(ages, skipped + 1, 2 * room + 4) as middles
from (
    select /*kind*/ as kind, /*name*/ as name, count() as times, sum(weight) as credit, sum(weight * amount) as amounts,
        sumIf(age, fact = /*touched*/) as aged, arraySort(groupArrayIf(age, fact = /*touched*/)) as ages,
        groupArrayIf({most_apart:UInt32})(unit, fact = /*left_out*/) as units
    from (
        with /*keys*/ as keys, length(path) as n, /*ages*/ as ages, /*direct*/ as direct, /*shares*/ as credited
        select unit, amount, ages[1] as age, /*facts*/ as facts, /*weights*/ as weights
        from (
            select unit, loose, ending.1 as amount, ending.2 as at, ending.5 as converted, apart,
                arrayFilter(p -> p >= ending.3 and p <= ending.4, touches) as path
            from (select unit, touches, loose, apart, arrayJoin(/*ends*/) as ending from (/*journeys*/))
        )
        where converted or n > 0 or apart
    )
    array join facts as fact, weights as weight
    group by fact
)
