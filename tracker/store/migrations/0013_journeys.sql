-- Every person's key events side by side, for questions about their order (`docs/decisions/journeys.md`). A copy of what `events`
-- holds, made from it (`tracker/loader/journeys.py`); never the truth. Not on a cluster.
--
-- One row a person. The arrays hold its events of the site's key names in the order of time: milliseconds since the site's
-- `since`, the name's code, codes of country, device and channel. `journey_sites` says what a code stands for: its place in the
-- list, from 1 on. `codes`: bit code - 1 is set for each name that occurs; bit 63 says that the arrays cannot tell about this
-- person (two different events in one millisecond, an event too late or of a text without a code): ask `events`. `pairs`: bit
-- (a + 29 b) % 64 is set where an event of code a stands before one of code b. Parts of other generations than the site's are
-- not read.
create table if not exists journeys /*alone*/ (
    site LowCardinality(String),
    made UInt64, -- generation
    codes UInt64,
    unit UInt64 codec(LZ4), -- whom the events belonged to when the row was made
    pairs UInt64,
    `held.at` Array(UInt32) codec(T64, LZ4),
    `held.code` Array(UInt8),
    `held.country` Array(UInt8),
    `held.device` Array(UInt8),
    `held.channel` Array(UInt8)
)
engine = /*merge_tree*/
partition by made
order by (site, made, codes, unit)
settings fsync_after_insert = 1, fsync_part_directory = 1;

-- How a site's journeys are to be read; the row of the highest version counts. `made`: the generation (nanoseconds when it was
-- begun), 0 where there is none. Whoever has an insert behind `seen` (`touched.at`), or a key that moved behind `moved`
-- (`person_map.version`), is read from `events`. `first` and `last`: between which times (milliseconds) all held events lie.
-- `units`: persons with a row, `apart`: those with bit 63. `left_out`: names that were wanted and are too frequent.
create table if not exists journey_sites /*alone*/ (
    site LowCardinality(String),
    version UInt64,
    made UInt64,
    since Int64, -- milliseconds
    first Int64,
    last Int64,
    seen UInt64,
    moved UInt64,
    units UInt64,
    apart UInt64,
    names Array(String),
    left_out Array(String),
    countries Array(String),
    devices Array(String),
    channels Array(String)
)
engine = /*replacing_by_version*/
order by site
settings fsync_after_insert = 1;

-- Names that a funnel asked for and journeys did not hold.
create table if not exists journey_wanted /*alone*/ (
    site LowCardinality(String),
    event String,
    at DateTime('UTC') default now('UTC')
)
engine = /*replacing*/
order by (site, event)
ttl at + interval 90 day
settings fsync_after_insert = 1;

-- Whose journeys are being made anew, and all keys of theirs, in memory only: mutations cannot see temporary tables.
create table if not exists journey_units /*alone*/ (unit UInt64) engine = Memory;
create table if not exists journey_owned /*alone*/ (key UInt64, person UInt64) engine = Memory;
