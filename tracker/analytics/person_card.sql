-- What lists show of a person (visitor, session): the names it goes by, where and when it was seen last.
-- `own_user` is the user id the person goes by now, not one that was merged into it. Slots: unit, events, persons, theirs.
select unit,
    anyIf(user, user != '' and xxHash64(concat('u:', user)) = unit) as own_user,
    argMaxIf(user, (ts, arrival), user != '') as last_user,
    argMaxIf(visitor, (ts, arrival), visitor != '') as last_visitor,
    toUnixTimestamp64Milli(max(ts)) as last_seen,
    argMax(event, (ts, seq, arrival)) as last_event,
    argMaxIf(country, (ts, arrival), country != '') as last_country,
    argMaxIf(device, (ts, arrival), device != '') as last_device,
    argMinIf(channel, (ts, arrival), channel != '') as first_channel,
    uniqExactIf(session, session != '') as visits
from (
    select /*unit*/ as unit, user, visitor, ts, arrival, seq, event, country, device, channel, session
    from /*events*/ /*persons*/
    where site = {site:String} and bot = '' and (/*theirs*/)
)
group by unit
