-- The nodes that there are, each with the 64-bit hash that `paths_codes.py` makes its code of. Slots: label, events, among.
select cityHash64(name) as hash, toString(name) as name
from (
    select distinct /*label*/ as name
    from /*events*/
    where site = {site:String} and /*among*/
    limit {most:UInt64}
)
