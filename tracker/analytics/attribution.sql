-- All paths at once, as one row: what each key is credited with, and how long paths are and take. A path is the keys of the touches
-- that led to one conversion, or (Markov only) to none. `facts` are what it adds to, each two numbers in one, kind and name: (3, key)
-- credit; (state, next state) of the chain, where states are 0, its start, and keys, and 2 is the end without a conversion. Keys
-- are even. An odd name is a conversion behind a path of n touches, 2 n + 1, of whatever kind but 7: (7, 1 or 3) is an end of
-- a path of a person to be asked about apart, of whom nothing else is said but the number of conversions (`amounts`); 3 where
-- they have an arrival without a session. `numbers` are the ages of such paths' first touches, of those apart who they are.
-- `middles` are the ages around the median, in order, as many as are needed beside `room` others (`funnel_ties.around`).
-- Of who neither came nor converted there is a fact (0, 2) that nobody reads: leaving them out would copy the paths of all others.
-- An end is a conversion or `nothing`. A choice between two lists costs more than all else here: hence the numbers.
-- Slots: journeys, behind, ends, nothing, amount, ms, first, last, keys, age, ages, direct, shares, facts, weights, joined, weight, credit,
-- kind, name, apart, middles.
select told, units, length(ages) as aged, arraySum(ages) as age, room, /*middles*/ as middles
from (
    select groupArray((kind, name, times, credit, amounts)) as told, arraySlice(groupArrayArrayIf(numbers, kind = 7), 1, {most_apart:UInt32}) as units,
        arraySort(groupArrayArrayIf(numbers, kind != 7 and name > 1)) as ages, toUInt64(/*apart*/) as room
    from (
        select /*kind*/ as kind, /*name*/ as name, count() as times, /*credit*/ as credit, sum(/*weight*/amount) as amounts,
            groupArrayIf(number, bitAnd(toUInt8(fact), 1)) as numbers
        from (
            with /*keys*/ as keys, /*ages*/ as ages, /*direct*/ as direct, /*shares*/ as credited
            select if(apart, unit, toUInt64(/*age*/)) as number, if(apart, toFloat64(converted), /*amount*/) as amount,
                /*facts*/ as facts/*weights*/
            from (
                select unit, loose, apart, p, converted, at, arrayFilter(touch -> touch >= least_touch and touch <= last_touch, touches) as path,
                    length(path) as n
                from (
                    select unit, loose, apart, touches, p, p != /*nothing*/ as converted, /*ms*/ as at,
                        /*first*/ as least_touch, /*last*/ as last_touch
                    from (select unit, loose, apart, touches, /*behind*/ as behind, arrayJoin(/*ends*/) as p from (/*journeys*/))
                )
            )
        )
        array join facts as fact/*joined*/
        group by fact
    )
)
