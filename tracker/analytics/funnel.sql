-- A funnel's answer from the attempt that counts for every unit: how many reached each step, and how long it took from
-- the last required step before. The first row is the whole, further rows are the breakdown's values.
-- `ties`: how many units are to be asked about apart (they count at step 1 in any case), `tied` says which.
-- Slots: attempts, among, counts, drops, sums, medians, ties, tied, skipped, middles, groups, kind.
select /*kind*/ as part, value, /*counts*/ as counts, /*drops*/ as drops, /*sums*/ as sums, /*medians*/ as medians,
    /*ties*/ as ties, /*tied*/ as tied_units, /*skipped*/ as skipped, /*middles*/ as middles
from (/*attempts*/)
where /*among*/
group by /*groups*/
order by part desc, counts[1] + ties desc, value
limit {values:UInt32}
