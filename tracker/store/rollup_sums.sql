-- Figures of what builds say alone: of each list the entries with the most events. `highest`: the highest number of a person.
-- Slots: parts, which, in_parallel.
select list, item, all_events as events, all_views as page_views, all_purchases as purchases, all_sessions as sessions,
    amounts as revenue, (select max(number) from rollup_numbers where site = {site:String}) as highest
from (
    select toString(kind) as list, if(kind = 'day', toString(day), entry) as item,
        sum(events) as all_events, sum(page_views) as all_views, sum(purchases) as all_purchases,
        sum(sessions) as all_sessions, sumMap(revenue) as amounts
    from /*parts*/
    /*which*/
    group by list, item
    order by list, all_events desc, item
    limit {most:UInt32} by list
)
/*in_parallel*/
