-- What is counted of some keys' events of a day that is built. Slot: seen.
insert into rollup_rows (
    build, visit, event, path, country, device, channel, on_page, in_session, value, currency, ts, seq, arrival, number
)
select {build:UInt64}, visit, event, path, country, device, channel, on_page, in_session, value, currency, ts, seq, arrival, number
from (/*seen*/)
