-- What is counted of each event of some days, with its person and that one's number (0: none yet). A visit is what one session
-- does on one day. Slots: events, persons, person, visit, in_session, on_page,
-- range.
select toDate(ts, {timezone:String}) as day, event, path, country, device, channel, on_page, visit, in_session,
    value, currency, ts, seq, arrival, person, number
from (
    select ts, seq, arrival, event, path, country, device, channel, value, currency,
        /*on_page*/ as on_page, /*visit*/ as visit, /*in_session*/ as in_session, /*person*/ as person
    from /*events*/ /*persons*/
    where site = {site:String} and bot = '' and /*range*/
) as rows
any left join (
    select key as person, any(number) as number
    from rollup_numbers
    where site = {site:String} and key in (
        select /*person*/
        from /*events*/ /*persons*/
        where site = {site:String} and bot = '' and /*range*/
    )
    group by key
) as numbers using (person)
