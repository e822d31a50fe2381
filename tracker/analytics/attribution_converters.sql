-- Stored keys of everybody who converted: other persons' touches cannot be credited. Slots: person, conversion, events,
-- persons, counted.
with converters as (
    select distinct /*person*/ as who from /*events*/ /*persons*/
    where site = {site:String} and /*counted*/ and (/*conversion*/)
        and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
)
select who from converters
union all
select key from (select key, argMax(person, version) as owner from person_map where site = {site:String} group by key)
where owner in (select who from converters)
