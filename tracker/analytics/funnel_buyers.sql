-- Visitors or sessions with such an event in reach of a funnel. Slots: unit, did, events, counted.
select distinct /*unit*/ from /*events*/
where site = {site:String} and /*counted*/ and (/*did*/)
    and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts <= fromUnixTimestamp64Milli({until:Int64})
