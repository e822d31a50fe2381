-- The texts that a property has in some events, '' not among them. Slots: text, events, counted, relevant.
select groupArray(text) from (
    select /*text*/ as text from /*events*/
    where site = {site:String} and /*counted*/ and text != ''
        and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts <= fromUnixTimestamp64Milli({until:Int64})
        and (/*relevant*/)
    group by text order by text limit {most:UInt32}
)
