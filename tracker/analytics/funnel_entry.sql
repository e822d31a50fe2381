-- Events with one column more: `entry` is 'true' at the first page view of a session, '' everywhere else.
-- A session longer than a day before the report's range begins again there. Slot: events.
(
    select *, if(event = 'page_view' and (arrival, ts) global in (
        select tupleElement(one, 1), tupleElement(one, 2)
        from (
            select argMin((arrival, ts), (ts, seq, arrival)) as one
            from /*events*/
            where site = {site:String} and event = 'page_view' and bot = '' and session != ''
                and ts >= fromUnixTimestamp64Milli({from:Int64} - 86400000)
                and ts <= fromUnixTimestamp64Milli({until:Int64})
            group by if(visitor = '', user, visitor), session
        )
    ), 'true', '') as entry
    from /*events*/
) as events
