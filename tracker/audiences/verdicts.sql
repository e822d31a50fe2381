-- Everybody a rule finds, and whether they may leave the house. Consent is that of the person: all keys, all browsers,
-- the latest decision. A GPC signal, once seen, holds for ever (on a site with `later_opt_in`
-- until that person explicitly says yes to ads), and so does a place on the suppression list. Each member has one verdict, the first that applies.
-- The hold-out is drawn by the key of the person's first event to arrive: being identified, or merged, changes it not.
-- `decision`: 1 yes, 0 no. Where a TC string decided, `mode` ends in the vendors it allows (`M4:21,755`), and for the network of an export
-- only its own vendor counts: neither what the others may do, nor a yes that was given before this network was asked about.
-- Slots: allowed, ads, signalled, person, events, persons, listed, only, rule; `more` aggregates, and `shown`, their names.
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
    decided and decision = 1 and not signalled as granted/*shown*/
from (
    select
        /*person*/ as who,
        argMaxIf(/*ads*/, (ts, arrival), ads >= 0) as decision,
        countIf(ads >= 0) > 0 as decided,
        /*signalled*/ as signalled,
        argMin(key, arrival) as first_key,
        countIf(key global in /*listed*/) > 0 or who global in /*listed*/ as listed/*more*/
    from /*events*/ /*persons*/
    where site = {site:String}/*only*/
    group by who
    having countIf(bot = '') > 0 and (/*rule*/)
)
