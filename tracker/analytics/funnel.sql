-- A funnel's answer from the attempt that counts for every unit: how many reached each step, and how long it took from
-- the last required step before. The first row is the whole, further rows are the breakdown's values.
-- Slots: attempts, counts, drops, sums, medians, groups, kind.
select /*kind*/ as part, value, /*counts*/ as counts, /*drops*/ as drops, /*sums*/ as sums, /*medians*/ as medians
from (/*attempts*/)
group by /*groups*/
order by part desc, counts[1] desc, value
limit {values:UInt32}
