-- Where people go from where: one row a step, node and next node.
--
-- A hop is one number, from the top: three free bits, the step, the node's code and the next one's (0: the path ends there, 1: it
-- goes on but is not shown), and the milliseconds between. Sorted, the same hops of a person stand together, so comparing each
-- with the one before says whether it counts the person once more (third free bit), and at the node (second).
-- A number with the first bit is half of a person (`who`) for whom more than time decides, once if that is an even number and
-- twice if it is an odd one: nothing else of theirs is counted. In the answer that is a row of step 0, `times` says how often.
-- Slots: span_bits, span, place, source, target, new_hop, new_node, tie, half, hops.
select if(hop < /*tie*/, toUInt64(/*place*/), 0) as step, if(hop < /*tie*/, toUInt64(/*source*/), /*half*/) as source,
    if(hop < /*tie*/, toUInt64(/*target*/), 0) as target, sumIf(n, /*new_hop*/ = 1) as people,
    sumIf(n, /*new_node*/ = 1) as node_people, sum(span) as took, sum(n) as times
from (
    select if(number < /*tie*/, bitShiftRight(number, /*span_bits*/), number) as hop, count() as n, sum(/*span*/) as span
    from (
        with arraySort(hops) as sorted_hops
        select arrayJoin(if(who = 0,
            arrayMap((hop, before) -> /*marked*/, sorted_hops, arrayShiftRight(sorted_hops, 1)),
            arrayWithConstant(1 + bitAnd(who, 1), /*tie*/ + bitShiftRight(who, 1)))) as number
        from (/*hops*/)
    )
    group by hop
)
group by step, source, target
order by step = 0 desc, people desc, step, source, target
limit {rows:UInt32}
