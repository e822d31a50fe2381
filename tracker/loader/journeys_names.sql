-- How many events of people a site has of each name, and with each text of the coded properties; the most frequent ones.
-- Slot: events.
select list, text, events from (
    select 'names' as list, toString(event) as text, count() as events from /*events*/
    where site = {site:String} and bot = ''
        and ts >= fromUnixTimestamp64Milli({since:Int64}) and ts <= fromUnixTimestamp64Milli({until:Int64})
    group by event
    union all
    select 'channels', toString(channel), count() from /*events*/
    where site = {site:String} and bot = '' and channel != ''
        and ts >= fromUnixTimestamp64Milli({since:Int64}) and ts <= fromUnixTimestamp64Milli({until:Int64})
    group by channel
    union all
    select 'devices', toString(device), count() from /*events*/
    where site = {site:String} and bot = '' and device != ''
        and ts >= fromUnixTimestamp64Milli({since:Int64}) and ts <= fromUnixTimestamp64Milli({until:Int64})
    group by device
    union all
    select 'countries', toString(country), count() from /*events*/
    where site = {site:String} and bot = '' and country != ''
        and ts >= fromUnixTimestamp64Milli({since:Int64}) and ts <= fromUnixTimestamp64Milli({until:Int64})
    group by country
)
order by list, events desc, text
