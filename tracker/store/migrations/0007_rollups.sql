-- How many rows came for each quarter of an hour of event time (time zones differ by quarters), when: what a rollup
-- has not seen yet. Whoever deletes events adds a row, too. Only ever grows, so two equal sums mean that nothing came between.
create table if not exists touched_slots (
    site LowCardinality(String),
    slot DateTime('UTC'),
    at DateTime('UTC'),
    amount UInt64
)
engine = /*summing*/
partition by toYYYYMM(slot)
order by (site, slot, at)
settings fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;

create materialized view if not exists events_touched to touched_slots as
select site, toStartOfFifteenMinutes(toDateTime(ts, 'UTC')) as slot, toStartOfInterval(now('UTC'), interval 10 second) as at, count() as amount
from events
group by site, slot, at;

insert into touched_slots (site, slot, at, amount)
select site, toStartOfFifteenMinutes(toDateTime(ts, 'UTC')) as slot, toStartOfInterval(now('UTC'), interval 10 second) as at, count() as amount
from events
group by site, slot, at;

-- A small number for each key that a rollup holds, so that sets of persons are bitmaps.
create table if not exists rollup_numbers (
    site LowCardinality(String),
    key UInt64,
    number UInt32
)
engine = /*replacing*/
order by (site, key)
settings fsync_after_insert = 1;

-- One row for each calendar day of a site's time zone, kind of list and entry of it. `build`: rows of other builds than that
-- of `rollup_days` are not read. `people` and `buyers` hold the numbers of persons as of the build.
create table if not exists rollups (
    site LowCardinality(String),
    zone LowCardinality(String),
    day Date,
    build UInt64,
    kind LowCardinality(String),
    entry String,
    events UInt64,
    page_views UInt64,
    purchases UInt64,
    sessions UInt64,
    revenue Map(String, Float64),
    people AggregateFunction(groupBitmap, UInt32),
    buyers AggregateFunction(groupBitmap, UInt32),
    strangers UInt64 -- persons who had no number yet: such a build does not count
)
engine = /*merge_tree*/
partition by toYYYYMM(day)
order by (site, zone, kind, day, build, entry)
settings fsync_after_insert = 1, index_granularity = 256;

-- Which build of a day counts, and what it has seen: the sum of `touched_slots`, and the highest version of `person_map`.
create table if not exists rollup_days (
    site LowCardinality(String),
    zone LowCardinality(String),
    day Date,
    build UInt64,
    touched UInt64,
    version UInt64
)
engine = /*replacing_by_build*/
order by (site, zone, day)
settings fsync_after_insert = 1;
