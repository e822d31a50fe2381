-- Days on which a key was active that belonged to somebody else when the day was built, and has moved on since.
select distinct number
from (
    select toUInt16(built.day) as number, built.people as people, used.version as version
    from (
        select day, build, people
        from rollups
        where site = {site:String} and zone = {timezone:String} and kind = 'mapped'
            and (toUInt16(day), build) in (select day, build from /*table:used*/)
    ) as built
    any inner join (select build, version from /*table:used*/) as used on used.build = built.build
) as days
cross join (select number as moved, version as since from /*table:moves*/) as moves
where since > version and bitmapContains(people, toUInt32(moved))
