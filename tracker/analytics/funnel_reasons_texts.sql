-- What some hashes of one column stand for. Done when all have been seen. Slots: name, text, hash, hash_of, events, which, wanted, most.
select /*name*/ as name, toString(text) as value, /*hash_of*/ as hash
from (
    select distinct /*text*/ as text from /*events*/
    where site = {site:String} and /*which*/ and /*hash*/ in /*wanted*/
        and ts >= fromUnixTimestamp64Milli({from:Int64} - {lookback:Int64})
        and ts <= fromUnixTimestamp64Milli({until:Int64})
    limit /*most*/
)
