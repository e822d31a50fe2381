-- A number for every key and person of a day that has none, after the highest one there is. Slots: events, persons, person.
insert into rollup_numbers (site, key, number)
select {site:String}, key,
    (select max(number) from rollup_numbers where site = {site:String}) + toUInt32(rowNumberInAllBlocks()) + 1
from (
    select key
    from (
        select distinct arrayJoin([key, /*person*/]) as key
        from /*events*/ /*persons*/
        where site = {site:String} and bot = ''
            and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
    )
    where key not in (select key from rollup_numbers where site = {site:String})
    order by key
)
