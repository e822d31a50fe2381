-- Stored keys of everybody who converted: other persons' touches cannot be credited. A few more do no harm, so every link
-- that ever was counts. Slots: conversion, events, counted.
with converting as (
    select distinct key from /*events*/
    where site = {site:String} and /*counted*/ and (/*conversion*/)
        and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
)
select key from converting
union all
select arrayJoin([key, person]) from person_map
where site = {site:String} and person in (
    select arrayJoin([key, person]) from person_map where site = {site:String} and (key in converting or person in converting)
)
