-- What came since builds of days that are not over, by list. Slots: parts, sets.
select list, item, all_events as events, all_views as page_views, all_purchases as purchases, all_sessions as sessions,
    amounts as revenue, sets
from (
    select toString(kind) as list, if(kind = 'day', toString(day), entry) as item,
        sum(events) as all_events, sum(page_views) as all_views, sum(purchases) as all_purchases,
        sum(sessions) as all_sessions,
        sumMap(mapApply((unit, amount) -> (concat(toString(day), unit), amount), revenue)) as amounts,
        /*sets*/ as sets
    from (/*parts*/)
    group by list, item
)
