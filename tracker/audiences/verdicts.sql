-- Everybody a rule finds, and whether they may leave the house. Consent is that of the person: all keys, all browsers,
-- the latest decision. A GPC signal, once seen, holds for ever, and so does a place on the suppression list. Each member has one verdict, the first that applies.
-- The hold-out is drawn by the key of the person's first event to arrive: being identified, or merged, changes it not.
-- Slots: allowed, person, events, persons, listed, only, rule.
select
    who,
    multiIf(
        signalled, 'opted_out',
        not (/*allowed*/), {refusal:String},
        listed, 'suppressed',
        toFloat64(xxHash64(concat({salt:String}, ':', toString(first_key)))) < {holdout:Float64} * 18446744073709551616.,
        'holdout',
        'exportable'
    ) as verdict,
    decided and decision = 1 and not signalled as granted
from (
    select
        /*person*/ as who,
        argMaxIf(ads, (ts, arrival), ads >= 0) as decision,
        countIf(ads >= 0) > 0 as decided,
        max(gpc) > 0 as signalled,
        argMin(key, arrival) as first_key,
        countIf(key global in /*listed*/) > 0 or who global in /*listed*/ as listed
    from /*events*/ /*persons*/
    where site = {site:String}/*only*/
    group by who
    having countIf(bot = '') > 0 and (/*rule*/)
)
