-- The nodes that most people are at, step by step, before them the one that stands for all that are not on the list. Slot: hops.
select step, source, sum(node_people) as people
from (/*hops*/)
where step > 0
group by step, source
order by step, source = {unknown:UInt64} desc, people desc, source
limit {nodes:UInt32} by step
