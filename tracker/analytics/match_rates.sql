-- One partner's matches: of each visitor the newest counts, and one with an empty id has ended.
-- Slot: events.
select
    uniqExactIf(visitor, shareable or known or told) as visitors,
    uniqExactIf(visitor, known) as matched,
    uniqExactIf(visitor, told) as shared
from (
    select
        visitor,
        max(startsWith(mode, 'M4')) as shareable,
        argMaxIf(
            JSONExtractString(props, 'partner_uid') != '', (ts, arrival),
            event = 'id_match' and JSONExtractString(props, 'partner') = {partner:String}
        ) as known,
        max(event = 'id_shared' and JSONExtractString(props, 'partner') = {partner:String}) as told
    from /*events*/
    where site = {site:String} and visitor != '' and bot = ''
        and ts >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') and ts < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    group by visitor
)
