-- The nodes that most people are at, step by step. Slot: hops.
select step, source, sum(node_people) as people
from (/*hops*/)
where step > 0
group by step, source
order by step, people desc, source
limit {nodes:UInt32} by step
