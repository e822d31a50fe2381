-- Where people go from where: one row a step, node and next node.
--
-- A person's hops are `places` (step; none above the last one shown counts, nor 0), `sources`, `targets` (a node's code;
-- 0: the path ends there, 1: it goes on but is not shown) and `spans`, milliseconds. A person counts once a row (`nth`)
-- and once a node and step (`nth_node`), however often they take it; hops are told apart by 64-bit hashes. A row of step 0 is a
-- `tied` person, for whom more than time decides. Choosing among rows is cheaper than among arrays.
-- Slots: source, target, hops.
select if(tied, 0, place) as step, if(tied, person, source) as source, if(tied, 0, next) as target,
    countIf(nth = 1) as people, countIf(nth_node = 1) as node_people, sum(span) as took, count() as times
from (
    select tied, person, places, spans, /*source*/ as sources, /*target*/ as targets,
        arrayEnumerateUniq(arrayMap((node, next, place) -> node * 11400714819323198485 + next * 14029467366897019727
            + place * 1609587929392839161, sources, targets, places)) as hops,
        arrayEnumerateUniq(arrayMap((node, place) -> node * 11400714819323198485 + place * 1609587929392839161,
            sources, places)) as visits
    from (/*hops*/)
)
array join places as place, sources as source, targets as next, spans as span, hops as nth, visits as nth_node
where place between 1 and {steps:UInt32}
group by step, source, target
order by step = 0 desc, people desc, step, source, target
limit {rows:UInt32}
