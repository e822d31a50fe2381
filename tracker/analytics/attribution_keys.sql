-- What the keys are called: the paths carry 64-bit hashes. Slots: key, events.
select distinct /*key*/ as name, xxHash64(name) as hash
from /*events*/
where site = {site:String} and channel != '' and bot = '' and ts >= fromUnixTimestamp64Milli({read:Int64})
    and ts < fromUnixTimestamp64Milli({to:Int64})
