-- Keys to which something happened since journeys were made: of new events, and those that went over to somebody else (`went`).
-- Slot: moved.
select key, max(over) as went
from (
    select key, 0 as over from touched where site = {site:String} and at > {seen:UInt64}
    union all
    select key, 1 as over from (/*moved*/)
)
group by key
