-- How many people each interval has, where there are many intervals: pairs can go on on the disk where they are too many, sets
-- of people cannot. Slots: bucket, person, events, persons, counted, event.
select toString(bucket) as bucket, toFloat64(count()) as figure
from (
    select /*bucket*/ as bucket, /*person*/ as person
    from /*events*/ /*persons*/
    where site = {site:String} and /*counted*/ and (/*event*/)
        and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
    group by bucket, person
)
group by bucket
