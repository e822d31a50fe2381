-- The visits of a build of a day that is not over. Slot: visits.
insert into rollup_visits (
    build, more, visit, in_session, on_page, first_channel, first_ts, first_seq, first_arrival, bought, amounts, one, others
)
select {build:UInt64}, bought > 0 or notEmpty(others), visit, in_session, on_page, first_channel,
    first_ts, first_seq, first_arrival, bought, amounts, one, others
from (/*visits*/)
