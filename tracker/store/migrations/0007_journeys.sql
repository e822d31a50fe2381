-- Every person's events of a month side by side, for questions about their order (`docs/decisions/journeys.md`). A copy of what
-- `events` holds, made anew month by month (`tracker.loader.folding`); never the truth. Not on a cluster.
--
-- A lane holds the events of one name in their order; `journey_lanes` says which. An event is a number: milliseconds since the
-- month began + 1 (32 bits), its place among those of the same millisecond (8), codes of channel (6), device (5), country (8)
-- above 5 free bits. `unit` is whom the events belonged to by `journey_persons`. `uneven`: more than 256 events in one millisecond.
create table if not exists journeys /*alone*/ (
    site LowCardinality(String),
    month UInt32, -- YYYYMM, UTC
    unit UInt64 codec(Delta, LZ4),
    uneven UInt8,
    l1 Array(UInt64),
    l2 Array(UInt64),
    l3 Array(UInt64),
    l4 Array(UInt64),
    l5 Array(UInt64),
    l6 Array(UInt64),
    l7 Array(UInt64),
    l8 Array(UInt64),
    l9 Array(UInt64),
    l10 Array(UInt64),
    l11 Array(UInt64),
    l12 Array(UInt64),
    l13 Array(UInt64),
    l14 Array(UInt64),
    l15 Array(UInt64),
    l16 Array(UInt64),
    l17 Array(UInt64),
    l18 Array(UInt64),
    l19 Array(UInt64),
    l20 Array(UInt64),
    l21 Array(UInt64),
    l22 Array(UInt64),
    l23 Array(UInt64),
    l24 Array(UInt64)
)
engine = MergeTree
partition by month
order by (site, unit)
settings fsync_after_insert = 1, fsync_part_directory = 1;

-- A month while it is made; it replaces the month in `journeys` at once.
create table if not exists journeys_made /*alone*/ as journeys;

-- What came since the month was made: whose journeys are to be read from `events`. Put here by the insert into `events`; a row
-- without an event, by an erasure.
create table if not exists journey_tail /*alone*/ (
    site LowCardinality(String),
    event LowCardinality(String),
    key UInt64,
    ts DateTime64(3, 'UTC')
)
engine = MergeTree
partition by toYYYYMM(ts)
order by (site, event, key)
settings fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 134217728;

-- The tail of a month that is being made.
create table if not exists journey_folding /*alone*/ as journey_tail;

create materialized view if not exists journey_feed /*alone*/ to journey_tail as
select site, event, key, ts from events where bot = '';

-- `person_map` as a month was made by it. `version` is that of its row in `journey_lanes`.
create table if not exists journey_persons /*alone*/ (
    version UInt64,
    site LowCardinality(String),
    key UInt64,
    person UInt64
)
engine = MergeTree
partition by version
order by (site, key)
settings fsync_after_insert = 1;

-- How a site's month was made. `names`: of lane 1, 2 .. and `counts` their events. `others`: names that have no lane. A text's
-- code is its place in its list, from 1 on; `crowded`: properties with more texts than codes. `uneven`: how many such
-- units. `persons`: the last version of
-- `person_map` that is surely in it.
create table if not exists journey_lanes /*alone*/ (
    site LowCardinality(String),
    month UInt32,
    version UInt64,
    names Array(String),
    counts Array(UInt64),
    others UInt64,
    countries Array(String),
    devices Array(String),
    channels Array(String),
    crowded Array(String),
    uneven UInt64,
    persons UInt64
)
engine = ReplacingMergeTree(version)
order by (site, month)
settings fsync_after_insert = 1;

-- What was done to a month last: 0 it is being changed at this moment, 1 it can be read, 2 it must be made before it can be read.
create table if not exists journey_months /*alone*/ (
    month UInt32,
    state UInt8,
    version UInt64
)
engine = ReplacingMergeTree(version)
order by month
settings fsync_after_insert = 1;

-- Months from before there were journeys.
insert into journey_months /*alone*/ (month, state, version) select distinct toYYYYMM(ts), 2, 1 from events;
