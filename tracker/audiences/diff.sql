-- What has changed against the stays that are stored: who entered, who left, whose verdict is another. `causes`: names of
-- the causes, from 1. Only columns of the sorting key
-- stand in `prewhere`, so it leaves out whole stays before their versions are compared. Who is found nowhere left by what happened
-- to them, unless their key is somebody else's by now (`gone`): of those in `may_be_gone` that is looked up.
-- Slots: cause, stored, only, touch, may_be_gone.
insert into stays (
    site, audience, person, entered, entered_by, left_at, left_by, verdict, granted, arm, armed, version, was
)
select
    {site:String},
    audience,
    person,
    if(stayed = 0, {now:Int64}, stayed),
    if(stayed = 0, why, stayed_by),
    if(inside, 0, {now:Int64}),
    multiIf(
        inside, '',
        lapsed, 'lapsed',
        not seen and person in (
            select key from (
                select key, argMax(person, version) as owner from person_map
                where site = {site:String} and key in (/*may_be_gone*/)
                group by key
            )
            where owner != 0 and owner != key
        ), 'gone',
        why
    ),
    if(inside, now_verdict, was),
    if(inside, now_granted, was_granted),
    if(was_arm = '' and inside, transform(now_verdict, ['exportable', 'holdout'], ['exposed', 'holdout'], ''), was_arm),
    if(was_armed = 0 and inside and now_verdict in ('exportable', 'holdout'), {now:Int64}, was_armed),
    {version:UInt64},
    was
from (
    select
        audience,
        person,
        max(found) as seen,
        max(lives) as inside,
        max(over) as lapsed,
        anyIf(verdict, found) as now_verdict,
        anyIf(granted, found) as now_granted,
        max(since) as stayed,
        anyIf(since_by, not found) as stayed_by,
        anyIf(verdict, not found) as was,
        anyIf(granted, not found) as was_granted,
        anyIf(its_arm, not found) as was_arm,
        max(since_armed) as was_armed,
        {causes:Array(String)}[/*cause*/] as why
    from (
        select
            audience, person, true as found, inside as lives, lapsed as over, verdict, granted,
            0 as since, '' as since_by, '' as its_arm, 0 as since_armed
        from judged
        union all
        select
            audience, person, false, 0, 0, verdict, granted, entered, entered_by, arm, armed
        from /*stored*/ final
        prewhere site = {site:String} and audience in {audiences:Array(String)}/*only*/
        where left_at = 0
    ) as both /*touch*/
    group by audience, person
)
where (inside and (stayed = 0 or now_verdict != was or now_granted != was_granted)) or (not inside and stayed != 0)
