-- All other keys of those members, in memory.
create temporary table theirs_now engine = Memory as
select key from (
    select key, argMax(person, version) as owner from person_map where site = {site:String} group by key
)
where owner in (select person from inside_now)
settings optimize_aggregation_in_order = 1
