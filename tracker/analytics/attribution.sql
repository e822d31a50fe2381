-- All paths at once: what each key is credited with, and how long paths are and take. A path is the keys of the touches that
-- led to one conversion, or (Markov only) to none. `facts` are what it adds to, each two numbers of 64 bits: (7, 0) a person
-- with an arrival without a session; (6, 0) a conversion without a touch; (5, 0) one with; (4, n) a path of n touches;
-- (3, key) credit; (state, next state) of the chain, where 0 is its start, 1 a conversion and 2 the end without one.
-- Slots: journeys, ends, shares, facts.
select fact.1 as kind, fact.2 as name, count() as times, sum(weight) as credit, sum(weight * amount) as amounts,
    avgOrNullIf(age, kind = 5) as average, quantileExactInclusiveOrNullIf(0.5)(age, kind = 5) as median
from (
    with arrayMap(p -> bitAnd(toUInt64(p), bitNot(toUInt64(1))), path) as keys,
        length(path) as n,
        arrayMap(p -> at - toInt64(bitShiftRight(p, 216)), path) as ages,
        arrayMap(p -> bitAnd(toUInt64(p), 1), path) as direct,
        /*shares*/ as credited,
        arrayConcat([(toUInt64(if(n = 0, 6, 5)), toUInt64(0)), (toUInt64(4), toUInt64(n))],
            arrayMap(key -> (toUInt64(3), key), credited.1), if(loose, [(toUInt64(7), toUInt64(0))], [])) as sums
    select amount, ages[1] as age, /*facts*/ as facts,
        arrayResize(if(converted, arrayConcat([1., 1.], credited.2), []), length(facts), 1.) as weights
    from (
        select loose, ending.1 as amount, ending.2 as at, ending.5 as converted,
            arrayFilter(p -> p >= ending.3 and p <= ending.4, touches) as path
        from (select touches, loose, arrayJoin(/*ends*/) as ending from (/*journeys*/))
    )
    where converted or n > 0
)
array join facts as fact, weights as weight
group by kind, name
