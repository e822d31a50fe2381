-- All lists of the overview out of counted days: `total`, `series` (one item a day), and the biggest of every other kind.
-- Slots: parts, people, buyers, which, in_parallel.
select tupleElement(slot, 1) as list, tupleElement(slot, 2) as item,
    sum(events) as all_events, sum(page_views) as all_views, sum(purchases) as all_purchases,
    sum(sessions) as all_sessions, sumMap(revenue) as all_revenue,
    /*people*/ as all_people, /*buyers*/ as all_buyers
from /*parts*/
array join if(kind = 'day', [('total', ''), ('series', toString(day))], [(toString(kind), entry)]) as slot
where /*which*/
group by list, item
order by list, if(list in ('event', 'page'), all_events, all_people) desc, item
limit {top:UInt32} by list, if(list = 'series', item, '')
/*in_parallel*/
