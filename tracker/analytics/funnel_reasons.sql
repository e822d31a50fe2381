-- Why people drop at a step: how many of those who dropped and of those who went on share each fact.
--
-- `tries` has a row a unit that reached the step, `who`: whether it is lost there, when its attempt began (begin_ms) and
-- when it reached the step (at_ms); a person has a row for each stored key. They are joined with what was `seen`, and all else
-- is found out of the few events that are left. A fact is (list, name, value); a unit has each at most once. What happens counts from behind
-- the step to the end of the attempt's window, who somebody is from `lookback` before the attempt to the step.
-- `before` and `after` the step is by the millisecond. `place` sorts as the contract orders events: time, sequence,
-- arrival (40, 32 and 56 bits); comparing one number is cheaper than comparing a tuple.
-- Slots: page, occurrence, seen, tries, properties.
select fact.1 as list, fact.2 as name, fact.3 as value,
    countIf(lost) as dropped, countIf(not lost) as went_on, count() over (partition by list) as total
from (
    select lost, arrayConcat(occurrences, [
            ('groups', '', ''),
            ('next_events', 'event', next_event), ('next_pages', 'page', next_page), ('exit_pages', 'page', exit_page),
            ('properties', 'landing_page', arrayFirst(p -> visit = '' or p.2 = visit, arraySort(pages)).3),
            /*properties*/]) as facts
    from (
        select any(lost) as lost,
            argMinIf(event, place, after and type not in ('identify', 'alias', 'group', 'consent')
                and event not in ('web_vital', 'user_engagement')) as next_event,
            argMinIf(page, place, after and page != '') as next_page,
            argMaxIf(page, place, ms >= begin_ms and page != '') as exit_page,
            groupUniqArrayIf(occurrence, after and occurrence.1 != '') as occurrences,
            argMaxIf(session, place, before and session != '') as visit,
            groupArrayIf((place, session, page), before and page != '') as pages,
            argMaxIf(country, place, before and country != '') as country_seen,
            argMaxIf(device, place, before and device != '') as device_seen,
            argMaxIf(browser, place, before and browser != '') as browser_seen,
            argMaxIf(os, place, before and os != '') as os_seen,
            argMinIf(channel, place, before and channel != '') as channel_seen,
            argMinIf(referrer_host, place, before and referrer_host != '') as referrer_host_seen,
            argMinIf(utm_source, place, before and utm_source != '') as utm_source_seen,
            argMinIf(utm_medium, place, before and utm_medium != '') as utm_medium_seen,
            argMinIf(utm_campaign, place, before and utm_campaign != '') as utm_campaign_seen
        from (
            select who, lost, begin_ms, toUnixTimestamp64Milli(ts) as ms, ms <= at_ms as before, ms > at_ms as after,
                bitShiftLeft(toUInt128(ms - {from:Int64} + {lookback:Int64}), 88)
                    + bitShiftLeft(toUInt128(seq), 56) + bitAnd(arrival, 0xFFFFFFFFFFFFFF) as place,
                toString(event) as event, type, session, /*page*/ as page, /*occurrence*/ as occurrence,
                toString(country) as country, toString(device) as device, toString(browser) as browser,
                toString(os) as os, toString(channel) as channel, toString(referrer_host) as referrer_host,
                toString(utm_source) as utm_source, toString(utm_medium) as utm_medium,
                toString(utm_campaign) as utm_campaign
            from (/*seen*/) as seen
            inner join (/*tries*/) as tries using (unit)
            where ms >= begin_ms - {lookback:Int64} and ms <= begin_ms + {span:Int64}
        )
        group by who
    )
)
array join facts as fact
group by list, name, value
order by list, dropped + went_on desc, name, value
limit {values:UInt32} by list
