-- How many events of people a site has of each name, and with each text of the coded properties; the most frequent ones first.
-- `first` and `last`: between which times (milliseconds). Slot: events.
with seen as (
    select event, country, device, channel, count() as amount, min(ts) as earliest, max(ts) as latest
    from /*events*/
    where site = {site:String} and bot = '' and ts >= fromUnixTimestamp64Milli({since:Int64})
    group by event, country, device, channel
)
select list, text, sum(amount) as events, toUnixTimestamp64Milli(min(earliest)) as first, toUnixTimestamp64Milli(max(latest)) as last
from (
    select arrayJoin([
        ('names', toString(event)), ('countries', toString(country)), ('devices', toString(device)), ('channels', toString(channel))
    ]) as one, one.1 as list, one.2 as text, amount, earliest, latest
    from seen
)
where text != ''
group by list, text
order by list, events desc, text
