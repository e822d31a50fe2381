-- A funnel's answer from the journey table. `found` has one row for many persons where only step 1 was reached; who got
-- further has a row beside it that says nothing of step 1, or (read from `events`) one of their own that says all. Where times are
-- asked for there are rows of persons who got nowhere, too, and none of their values is one.
-- Slots: found, counts, sums, medians, groups, kind.
select /*kind*/ as part, value, /*counts*/ as counts, /*sums*/ as sums, /*medians*/ as medians
from (/*found*/)
group by /*groups*/
having counts[1] > 0
order by part desc, counts[1] desc, value
limit {values:UInt32}
