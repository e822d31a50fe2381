-- What overviews read of every event, for three days after it was stored, in the order of its coming: a day that is not over is
-- a build (`rollup_days`) of what had come before `cut`, and what came since, which is read here. `at` is that of the insert;
-- `visit` is never 0, without a session it is that of the visitor. Imported history is left out: nobody asks for it here.
create table if not exists recent (
    site LowCardinality(String),
    at DateTime64(3, 'UTC') codec(T64, LZ4),
    event LowCardinality(String),
    key UInt64,
    ts DateTime64(3, 'UTC') codec(T64, LZ4),
    id UUID,
    arrival UInt64 codec(T64, LZ4),
    seq UInt32 codec(T64, LZ4),
    visit UInt64,
    in_session UInt8,
    on_page UInt8,
    path String,
    channel LowCardinality(String),
    country LowCardinality(String),
    device LowCardinality(String),
    value Nullable(Float64),
    currency LowCardinality(String)
)
engine = /*merge_tree*/
partition by toDate(at)
order by (site, toDate(ts), at)
ttl toDateTime(at) + interval 3 day
settings fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0, ttl_only_drop_parts = 1;

create materialized view if not exists events_recent to recent as
select site, now64(3, 'UTC') as at, event, key, ts, id, arrival, seq,
    xxHash64(concat('s:', if(visitor = '', user, visitor), '\0', session)) as visit, session != '' as in_session,
    url != '' as on_page, path, channel, country, device, value, currency
from events
where bot = '' and received < ts + interval 4 day;

insert into recent (
    site, at, event, key, ts, id, arrival, seq, visit, in_session, on_page, path, channel, country, device, value, currency
)
select site, now64(3, 'UTC') as at, event, key, ts, id, arrival, seq,
    xxHash64(concat('s:', if(visitor = '', user, visitor), '\0', session)) as visit, session != '' as in_session,
    url != '' as on_page, path, channel, country, device, value, currency
from events
where bot = '' and received < ts + interval 4 day and ts > now('UTC') - interval 4 day
    and id global not in (select id from recent); -- global: on a cluster `recent` is only here

-- A build of a day that is not over: holds what came before `cut` (ms; 0: the day is over, and `touched` says what it holds),
-- which are `came` rows of `recent`.
alter table rollup_days add column if not exists cut UInt64 default 0;
alter table rollup_days add column if not exists came UInt64 default 0;

-- The visits of such a build, because one may go on: the first channel seen in it and when, and who they are (`one`, and
-- `others` where one session had several persons). `more`: it has purchases, amounts or others; of all the rest these columns
-- need not be read. In this order sets of persons are made twice as quickly as by visit.
create table if not exists rollup_visits (
    build UInt64 codec(Delta, LZ4),
    more UInt8,
    visit UInt64,
    in_session UInt8,
    on_page UInt8,
    first_channel LowCardinality(String),
    first_ts DateTime64(3, 'UTC') codec(T64, LZ4),
    first_seq UInt32 codec(T64, LZ4),
    first_arrival UInt64 codec(T64, LZ4),
    bought UInt64 codec(T64, LZ4),
    amounts Map(String, Float64),
    one UInt32,
    others Array(UInt32)
)
engine = /*merge_tree*/
partition by build
order by (more, first_channel, on_page, one)
settings fsync_after_insert = 1;

-- Ties of the first channel of a visit are settled as everywhere by `seq` since then: days built before are built again.
truncate table rollup_span_days;

truncate table rollup_days;
