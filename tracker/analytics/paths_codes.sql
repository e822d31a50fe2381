-- The nodes that there are, each with the 64-bit hash that `paths_codes.py` makes its code of. Telling hashes apart costs half
-- of what texts do. Slots: label, hash, events, among.
select /*hash*/ as hash, toString(any(/*label*/)) as name
from /*events*/
where site = {site:String} and /*among*/
group by hash
limit {most:UInt64}
