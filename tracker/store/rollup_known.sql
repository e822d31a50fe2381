-- What came, each with its person and that one's number (0: none yet). Numbers are looked up for the keys and for whom they
-- belong to, so that no step of its own need say first who that is. Of millions of keys the last 16 bits are looked at first:
-- whether those are wanted is told by a field of bits, in half the time. Slot: person.
select day, event, path, country, device, channel, on_page, visit, in_session, value, currency, ts, seq, arrival,
    person, number
from (
    select day, event, path, country, device, channel, on_page, visit, in_session, value, currency, ts, seq, arrival,
        /*person*/ as person
    from came_rows
    any left join (select key, person from came_persons) as persons using (key)
) as rows
any left join (
    select key as person, number from rollup_numbers
    prewhere toUInt16(key) in (
        select toUInt16(key) from came_rows union all select toUInt16(person) from came_persons
    )
    where site = {site:String} and key in (select key from came_rows union all select person from came_persons)
) as numbers using (person)
settings max_threads = 0
