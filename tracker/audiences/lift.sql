-- The two arms of an audience, by intention to treat: everybody who was fit to leave the house for the first time in the
-- period, as they were drawn then, whatever became of them. A person is who it is by now, and the first of all their stays
-- counts, before the period too: who was only recognised in it, or came back, is not new. On both sides at the same moment:
-- the side that the person they are by now is on. Conversions count from that moment on (not before `served`, when the network got
-- the audience for the first time). `welch`: Welch's t-test of revenue a person, with the 95 % interval of exposed - hold-out.
-- Slots: conversion, events.
with drawn as (
    select
        if(owner = 0, stay.person, owner) as who,
        greatest(min(armed), {served:Int64}) as since,
        minIf(armed, arm = 'exposed') as exposed_at,
        minIf(armed, arm = 'holdout') as holdout_at,
        multiIf(
            holdout_at = 0 or (exposed_at != 0 and exposed_at < holdout_at), 'exposed',
            exposed_at = 0 or holdout_at < exposed_at, 'holdout',
            argMax(transform(verdict, ['exportable', 'holdout'], ['exposed', 'holdout'], arm), (left_at = 0, armed, stay.person))
        ) as side,
        uniqExactIf(arm, armed < {to:Int64}) > 1 as crossed
    from (
        select person, arm, armed, verdict, left_at from members final
        where site = {site:String} and audience = {audience:String} and arm != ''
    ) as stay
    any left join (
        select key, argMax(person, version) as owner from person_map where site = {site:String} group by key
    ) as mapped on mapped.key = stay.person
    group by who
    having min(armed) >= {from:Int64} and min(armed) < {to:Int64}
),
bought as (
    select
        if(mapped.owner = 0, key, mapped.owner) as who,
        toUnixTimestamp64Milli(ts) as at,
        if(currency = {currency:String} and isFinite(ifNull(value, 0)), ifNull(value, 0), 0) as worth
    from /*events*/
    global any left join (
        select key, argMax(person, version) as owner from person_map where site = {site:String} group by key
    ) as mapped using (key)
    where site = {site:String} and bot = '' and (/*conversion*/)
        and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
),
outcome as (
    select
        drawn.who as who,
        any(side) as arm,
        any(crossed) as both,
        countIf(bought.at >= drawn.since and bought.at != 0) as conversions,
        round(sumIf(bought.worth, bought.at >= drawn.since), 6) as revenue
    from drawn left join bought on bought.who = drawn.who
    group by drawn.who
),
-- The test refuses sides on which everybody spent the same, as on the first day, when nobody bought anything.
judged as (
    select *, max(most > least) over () as varied
    from (select *, max(revenue) over (partition by arm) as most, min(revenue) over (partition by arm) as least from outcome)
)
select
    countIf(arm = 'exposed') as exposed,
    countIf(arm = 'holdout') as holdout,
    countIf(arm = 'exposed' and conversions > 0) as exposed_converted,
    countIf(arm = 'holdout' and conversions > 0) as holdout_converted,
    sumIf(conversions, arm = 'exposed') as exposed_conversions,
    sumIf(conversions, arm = 'holdout') as holdout_conversions,
    sumIf(revenue, arm = 'exposed') as exposed_revenue,
    sumIf(revenue, arm = 'holdout') as holdout_revenue,
    countIf(both) as crossed,
    welchTTestIf(0.95)(toFloat64(revenue), toUInt8(arm = 'holdout'), varied) as welch
from judged
