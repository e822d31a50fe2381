-- Whose events were stored, insert by insert: what a refresh of audiences has to look at again. `at` is that of the insert
-- (nanoseconds of the store's own clock), the same in all of its rows.
create table if not exists touched/*local*/ /*on_cluster*/ (
    site LowCardinality(String),
    at UInt64,
    key UInt64
)
engine = /*merge_tree*/
order by (site, at, key)
ttl toDateTime(intDiv(at, 1000000000)) + interval 2 day
settings fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;

/*spread: touched by key*/;

create materialized view if not exists touched_by_events /*on_cluster*/ to touched/*local*/ as
select site, toUInt64(toUnixTimestamp64Nano(now64(9))) as at, key
from events/*local*/
group by site, key;

-- Who is in which audience, one row a stay. `left_at` 0: still in it. Times are milliseconds. `arm` and `armed` are fixed when
-- the person may leave the house for the first time in a stay: `exposed`, or `holdout`; an effect is measured from there on.
create table if not exists members (
    site LowCardinality(String),
    audience LowCardinality(String),
    person UInt64,
    entered Int64,
    entered_by LowCardinality(String),
    left_at Int64,
    left_by LowCardinality(String),
    verdict LowCardinality(String),
    granted UInt8,
    arm LowCardinality(String),
    armed Int64,
    version UInt64
)
engine = /*replacing_by_version*/
order by (site, audience, person, entered)
settings fsync_after_insert = 1;

-- When somebody must be judged again although nothing new is stored of them, because a time in a rule runs out.
create table if not exists expiring (
    site LowCardinality(String),
    at Int64,
    person UInt64
)
engine = /*replacing*/
order by (site, at, person)
settings fsync_after_insert = 1;

-- How large audiences were.
create table if not exists audience_sizes (
    site LowCardinality(String),
    audience LowCardinality(String),
    at Int64,
    members UInt64,
    exportable UInt64,
    entered UInt64,
    gone UInt64
)
engine = /*replacing*/
order by (site, audience, at)
ttl toDateTime(intDiv(at, 1000)) + interval 800 day
settings fsync_after_insert = 1;

-- What one refresh works on, in memory only: keys and persons to look at again, all keys of those persons, their events (with
-- `key` the person by now, `own` the key the event names), and what the rules say. One refresh at a time uses them.
create table if not exists touched_keys (key UInt64, cause UInt8) engine = Memory;
create table if not exists touched_people (person UInt64, cause UInt8) engine = Memory;
create table if not exists touched_owned (key UInt64, person UInt64) engine = Memory;
create table if not exists touched_events engine = Memory as select *, key as own from events/*local*/ where false;
create table if not exists judged (
    audience LowCardinality(String), person UInt64, inside UInt8, lapsed UInt8, until Int64, verdict LowCardinality(String),
    granted UInt8
) engine = Memory;
create table if not exists stays engine = Memory as select *, verdict as was from members where false;
