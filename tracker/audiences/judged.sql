-- What several audiences say of every person at once: one row for each audience that the person is in, was in until
-- nothing was heard of them for too long (`lapsed`), or may get into or out of when a time runs out (`until`, ms).
-- A person is in as long as the rule holds and something was heard of them within the audience's duration.
-- Consent, suppression and hold-out as in `verdicts.sql`.
-- `tests_met`: which of the rules' tests an event meets, by number. What rules ask is counted for all of them at once, in
-- arrays (`asked.py`).
-- Slots: allowed, signalled, who, own, events, persons, listed, tests, asked, answers, rules, nexts.
select
    {audiences:Array(String)}[n] as audience,
    who as person,
    lives as inside,
    holds and not lives as lapsed,
    if(holds, if(lives, least(next, lasts), {never:Int64}), next) as until,
    multiIf(
        signalled, 'opted_out',
        not (/*allowed*/), {refusal:String},
        listed, 'suppressed',
        toFloat64(xxHash64(concat({salts:Array(String)}[n], ':', toString(first_key)))) < {holdouts:Array(Float64)}[n] * 18446744073709551616.,
        'holdout',
        'exportable'
    ) as verdict,
    decided and decision = 1 and not signalled as granted
from (
    select
        who, decision, decided, signalled, first_key, listed, n,
        rules[n] as holds,
        nexts[n] as next,
        toInt64(intDiv(heard, 16000)) + {durations:Array(Int64)}[n] as lasts,
        holds and lasts > {now:Int64} as lives
    from (
        select
            who, decision, decided, signalled, first_key, listed, heard,
            [/*rules*/] as rules,
            [/*nexts*/] as nexts
        from (
            select *, /*answers*/
            from (
                with
                    arrayFilter((test, met) -> met, {tests:Array(UInt16)}, [/*tests*/]) as tests_met,
                    toUnixTimestamp64Milli(ts) as met_at
                select
                    /*who*/ as who,
                    argMaxIf(ads, (ts, arrival), ads >= 0) as decision,
                    countIf(ads >= 0) > 0 as decided,
                    /*signalled*/ as signalled,
                    argMin(/*own*/, arrival) as first_key,
                    countIf(/*own*/ global in /*listed*/) > 0 or who global in /*listed*/ as listed,
                    maxIf(arrival, bot = '') as heard,
                    /*asked*/
                from /*events*/ /*persons*/
                where site = {site:String}
                group by who
                having countIf(bot = '') > 0
            )
        )
    )
    array join arrayEnumerate(rules) as n
)
where holds or next < {never:Int64}
