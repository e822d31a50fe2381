-- What came, each with its person and that one's number (0: none yet). Numbers are looked up for the keys and for whom they
-- belong to, so that no step of its own need say first who that is. Slots: persons, person.
select day, event, path, country, device, channel, on_page, visit, in_session, value, currency, ts, seq, arrival,
    person, number
from (
    select day, event, path, country, device, channel, on_page, visit, in_session, value, currency, ts, seq, arrival,
        /*person*/ as person
    from came_rows /*persons*/
) as rows
any left join (
    select key as person, number from rollup_numbers
    prewhere key in (
        select key from came_rows
        union all
        select person from person_map where site = {site:String} and key in (select key from came_rows)
    )
    where site = {site:String}
) as numbers using (person)
settings max_threads = 0
