-- How long it took from one step to another: count, mean, median and how many in each bin (numbered from 1).
-- Slot: attempts.
select count() as people, avgOrNull(took) as average, quantileExactInclusiveOrNull(0.5)(took) as median,
    sumMap([toUInt32(arrayLastIndex(edge -> edge <= took, {edges:Array(Int64)}))], [toUInt64(1)]) as bins
from (
    select toInt64(at[{to_step:UInt8}]) - toInt64(at[{from_step:UInt8}]) as took
    from (/*attempts*/)
    where bitTest(reached, {from_step:UInt8} - 1) and bitTest(reached, {to_step:UInt8} - 1)
)
