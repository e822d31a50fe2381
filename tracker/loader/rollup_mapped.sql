-- The keys of a day that belong to somebody else: should one move on, the day must be built again. Slots: events, persons, person.
insert into rollups (site, zone, day, build, kind, entry, events, people)
select {site:String}, {timezone:String}, toDate({number:UInt16}), {build:UInt64}, 'mapped', '', count(), groupBitmapState(number)
from (
    select key, any(number) as number
    from rollup_numbers
    where site = {site:String} and key in (
        select key
        from /*events*/ /*persons*/
        where site = {site:String} and bot = '' and /*person*/ != key
            and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
    )
    group by key
)
