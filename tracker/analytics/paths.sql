-- Where people go from where: one row a step, node and next node.
--
-- A hop is one number, from the top: two free bits, the step, the node's code and the next one's (0: the path ends there, 1: it
-- goes on but is not shown), and the milliseconds between. Sorted, the same hops of a person stand together, so comparing each
-- with the one before says whether it counts the person once more (first free bit), and at the node (second). A row of step 0
-- is a person (`who`) for whom more than time decides: nothing of theirs is counted.
-- Slots: hop_type, span_bits, span, place, source, target, new_hop, new_node, hops.
select if(who = 0, toUInt64(/*place*/), 0) as step, if(who = 0, toUInt64(/*source*/), who) as source,
    toUInt64(/*target*/) as target, sumIf(n, /*new_hop*/ = 1) as people, sumIf(n, /*new_node*/ = 1) as node_people,
    sum(span) as took, sum(n) as times
from (
    select bitShiftRight(number, /*span_bits*/) * (who = 0) as hop, who, count() as n, sum(/*span*/) as span
    from (
        with arraySort(hops) as sorted_hops
        select who, arrayJoin(arrayMap((hop, before) -> /*marked*/,
            sorted_hops, arrayPopBack(arrayPushFront(sorted_hops, to/*hop_type*/(0))))) as number
        from (/*hops*/)
    )
    group by hop, who
)
group by step, source, target
order by step = 0 desc, people desc, step, source, target
limit {rows:UInt32}
