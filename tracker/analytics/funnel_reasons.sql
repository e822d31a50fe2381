-- Why people drop at a step: how many of those who dropped and of those who went on share each fact.
--
-- `tries` has a row a unit that reached the step, `who`: whether it is lost there, when its attempt began (begin_ms) and
-- when it reached the step (at_ms); a person has a row for each stored key. They are joined with what was `seen`, and all else
-- is found out of the few events that are left. A fact is (list, name, value); a unit has each at most once. What happens counts from behind
-- the step to the end of the attempt's window, who somebody is from `lookback` before the attempt to the step.
-- `before` and `after` the step is by the millisecond. `place` sorts as the contract orders events: time, sequence,
-- arrival (40, 32 and 56 bits); comparing one number is cheaper than comparing a tuple. Texts are hashes, 0 where there is
-- none, `hash` of a fact for its value: a unit's state is a third as large, and what they stand for is asked about those
-- that are told. A page is its place, its session and itself in one number.
-- Slots: occurrence, hashes, seen, tries, properties.
select fact.1 as list, fact.2 as name, fact.3 as value, fact.4 as hash,
    countIf(lost) as dropped, countIf(not lost) as went_on, count() over (partition by list) as total
from (
    select lost, arrayConcat(arrayMap(one -> (one.1, one.2, one.3, toUInt64(0)), occurrences), [
            ('groups', '', '', toUInt64(0)),
            ('next_events', 'event', '', next_event), ('next_pages', 'page', '', next_page), ('exit_pages', 'page', '', exit_page),
            ('properties', 'landing_page', '', toUInt64(arrayFirst(
                p -> visit = 0 or toUInt64(bitShiftRight(p, 64)) = visit, arraySort(pages)))),
            /*properties*/]) as facts
    from (
        select any(lost) as lost,
            argMinIf(event_hash, place, after and type not in ('identify', 'alias', 'group', 'consent')
                and event not in ('web_vital', 'user_engagement')) as next_event,
            argMinIf(page_hash, place, after and page_hash != 0) as next_page,
            argMaxIf(page_hash, place, ms >= begin_ms and page_hash != 0) as exit_page,
            groupUniqArrayIf(occurrence, after and occurrence.1 != '') as occurrences,
            argMaxIf(session_hash, place, before and session_hash != 0) as visit,
            groupArrayIf(bitShiftLeft(toUInt256(place), 128) + bitShiftLeft(toUInt256(session_hash), 64) + page_hash, before and page_hash != 0) as pages,
            argMaxIf(country_hash, place, before and country_hash != 0) as country_seen,
            argMaxIf(device_hash, place, before and device_hash != 0) as device_seen,
            argMaxIf(browser_hash, place, before and browser_hash != 0) as browser_seen,
            argMaxIf(os_hash, place, before and os_hash != 0) as os_seen,
            argMinIf(channel_hash, place, before and channel_hash != 0) as channel_seen,
            argMinIf(referrer_host_hash, place, before and referrer_host_hash != 0) as referrer_host_seen,
            argMinIf(utm_source_hash, place, before and utm_source_hash != 0) as utm_source_seen,
            argMinIf(utm_medium_hash, place, before and utm_medium_hash != 0) as utm_medium_seen,
            argMinIf(utm_campaign_hash, place, before and utm_campaign_hash != 0) as utm_campaign_seen
        from (
            select who, lost, begin_ms, toUnixTimestamp64Milli(ts) as ms, ms <= at_ms as before, ms > at_ms as after,
                bitShiftLeft(toUInt128(ms - {from:Int64} + {lookback:Int64}), 88)
                    + bitShiftLeft(toUInt128(seq), 56) + bitAnd(arrival, 0xFFFFFFFFFFFFFF) as place,
                event, type, seen_path as path, seen_props as props, /*occurrence*/ as occurrence, /*hashes*/
            from (/*seen*/) as seen
            inner join (/*tries*/) as tries using (unit)
            where ms >= begin_ms - {lookback:Int64} and ms <= begin_ms + {span:Int64}
        )
        group by who
    )
)
array join facts as fact
group by list, name, value, hash
order by list, dropped + went_on desc, name, value, hash
limit {values:UInt32} by list
