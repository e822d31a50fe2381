-- What the keys are called: the paths carry 64-bit hashes. Slots: key, events.
select toString(name) as name, xxHash64(name) as hash
from (
    select distinct /*key*/ as name from /*events*/
    where site = {site:String} and channel != '' and bot = '' and ts >= fromUnixTimestamp64Milli({read:Int64})
        and ts < fromUnixTimestamp64Milli({to:Int64})
)
