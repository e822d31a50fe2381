-- How many events there are to look at. Slots: events, which.
select count() from /*events*/
where site = {site:String} and bot = '' and multiIf(/*which*/, 0) > 0
    and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
