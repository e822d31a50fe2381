-- How many people were active on how many days (or weeks) of each period of the site's calendar.
-- Slots: person, period, unit, events, persons, counted, event.
select period, units, count() as people
from (
    select who, period, uniqExact(unit) as units
    from (
        select /*person*/ as who, toInt64(/*period*/) as period, toInt64(/*unit*/) as unit
        from /*events*/ /*persons*/
        where site = {site:String} and /*counted*/ and (/*event*/)
            and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
    )
    group by who, period
)
group by period, units
