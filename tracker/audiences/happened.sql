-- Keys to look at again: with new events (1), that went over to another person (2), on or off the suppression list (3),
-- persons for whom a time ran out (4). Slot: moved.
select distinct key, cause from (
    select key, 1 as cause from touched where site = {site:String} and at in {blocks:Array(UInt64)}
    union all
    select key, 2 as cause from (/*moved*/)
    union all
    select key, 3 as cause from suppressed where site = {site:String} and version > {listed:UInt64}
    union all
    select person as key, 4 as cause from expiring where site = {site:String} and at > {after:Int64} and at <= {now:Int64}
)
