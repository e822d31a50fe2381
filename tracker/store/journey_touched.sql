-- Keys to which something happened since journeys were made: of new events, those that went over to somebody else (`went`), and
-- those that have waited since before.
-- Slot: moved.
select key, max(over) as went
from (
    select key, 0 as over from touched where site = {site:String} and at > {seen:UInt64}
    union all
    select key, 1 as over from (/*moved*/)
    union all
    select key, went as over from journey_late where site = {site:String} and mark = {late:UInt64}
)
group by key
