-- What nodes are called; all have been seen before everything was read. A name stands for its key wherever it is found.
-- Slots: label, hash, events, among.
select cityHash64(name) as node, toString(name) as name
from (
    select distinct /*label*/ as name
    from /*events*/
    where site = {site:String} and /*among*/ and /*hash*/ in {nodes:Array(UInt64)}
    limit {few:UInt64}
)
