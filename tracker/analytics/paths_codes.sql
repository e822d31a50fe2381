-- The nodes that there are, each with the 64-bit hash that `paths_codes.py` makes its code of. Telling hashes apart costs half
-- of what texts do. Slots: label, hash, seen.
select /*hash*/ as hash, toString(any(/*label*/)) as name
from (/*seen*/)
group by hash
limit {most:UInt64}
