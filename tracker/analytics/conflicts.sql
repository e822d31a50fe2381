-- Browsers and devices that were seen with users who are not one person. Slot: persons.
select visitor, kept, users, count() over () as total
from (
    select source as visitor, argMin(target, (first, arrival, target)) as kept,
        arraySort(one -> (one.2, one.1), groupArray((target, first))) as users, max(first) as latest,
        uniqExact(person) as people
    from (
        select source, target, first, arrival, if(persons.person = 0, key, persons.person) as person
        from (
            select source, target, xxHash64(concat('u:', target)) as key, toUnixTimestamp64Milli(min(ts)) as first,
                argMin(arrival, (ts, arrival)) as arrival
            from identity_links
            where site = {site:String} and kind = 'identify'
            group by source, target
        ) as seen
        /*persons*/
    )
    group by source
    having people > 1
)
order by latest desc, visitor
limit {limit:UInt32}
