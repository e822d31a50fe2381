-- A funnel's answer from the journey table. A row of `found` is one person, or many (`units`) of whom the same is to be said; those
-- who got nowhere are among them, and a value that only they have is none.
-- `ties`: persons of whom this cannot be said so. Slots: found, counts, sums, medians, ties, groups, kind.
select /*kind*/ as part, value, /*counts*/ as counts, /*sums*/ as sums, /*medians*/ as medians, /*ties*/ as ties
from (/*found*/)
group by /*groups*/
having counts[1] > 0 or ties > 0
order by part desc, counts[1] desc, value
limit {values:UInt32}
