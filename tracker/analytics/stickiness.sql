-- How many people were active on how many days (or weeks) of each period of the site's calendar. The units of one period are
-- fewer than 64 and follow each other, so each is a bit of its own.
-- Slots: person, period, unit, events, persons, counted, event.
select period, units, count() as people
from (
    select who, period, bitCount(groupBitOr(bitShiftLeft(toUInt64(1), unit))) as units
    from (
        select /*person*/ as who, toInt16(/*period*/) as period, toUInt8(bitAnd(/*unit*/, 63)) as unit
        from /*events*/ /*persons*/
        where site = {site:String} and /*counted*/ and (/*event*/)
            and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
    )
    group by who, period
)
group by period, units
