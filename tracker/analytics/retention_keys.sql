-- One row a stored key, or a person where keys are looked up event by event: the starts and returns.
-- Slots: unit, of_key, property, events, persons, counted, start, back, since, chosen.
select unit as key, /*of_key*/
from (
    select /*unit*/ as unit, ts, seq, arrival/*property*/, /*start*/ as is_start, (/*back*/) and ts >= fromUnixTimestamp64Milli({from:Int64}) as is_return
    from /*events*/ /*persons*/
    where site = {site:String} and /*counted*/ and /*chosen*/ and ts < fromUnixTimestamp64Milli({to:Int64})
        and (is_return or is_start) and /*since*/
)
group by unit
