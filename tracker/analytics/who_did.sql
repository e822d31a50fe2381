-- Stored keys of everybody with such an event in the range: nobody else need be looked at. A few keys more do no harm, so
-- every link that ever was counts. Slots: did, events, counted.
with doers as (
    select distinct key from /*events*/
    where site = {site:String} and /*counted*/ and (/*did*/)
        and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
)
select key from doers
union all
select arrayJoin([key, person]) from person_map
where site = {site:String} and person in (
    select arrayJoin([key, person]) from person_map where site = {site:String} and (key in doers or person in doers)
)
