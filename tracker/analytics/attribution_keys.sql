-- What the keys are called: the paths carry 64-bit hashes. Who looks for few names is done when all have been seen.
-- Slots: key, events, wanted.
select toString(name) as name, bitAnd(xxHash64(name), bitNot(toUInt64(1))) as hash
from (
    select distinct /*key*/ as name from /*events*/
    where site = {site:String} and channel != '' and bot = '' and ts >= fromUnixTimestamp64Milli({read:Int64})
        and ts < fromUnixTimestamp64Milli({to:Int64})
)
where /*wanted*/
limit {limit:UInt64}
