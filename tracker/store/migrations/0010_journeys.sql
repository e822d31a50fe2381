-- Every person's events side by side, for questions about their order (`docs/decisions/journeys.md`). A copy of what `events` holds,
-- made from it (`tracker/loader/journeys.py`); never the truth. Not on a cluster.
--
-- A lane holds the events of one name in their order; `journey_sites` says which. An event is a number: milliseconds since the
-- site's `since` + 1 (36 bits), its place among those of the same millisecond (8), codes of channel (6), device (5) and country (8).
-- `unit` is whom the events belonged to when the row was made, `last` the month (YYYYMM, UTC) of the last of them. `uneven`: the
-- events do not fit into such numbers, and are to be read from `events`. Rows of other generations than the site's are not read.
create table if not exists journeys /*alone*/ (
    site LowCardinality(String),
    made UInt64, -- generation
    last UInt32,
    unit UInt64 codec(LZ4),
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
engine = /*merge_tree*/
order by (site, made, last, unit)
settings fsync_after_insert = 1, fsync_part_directory = 1;

-- How a site's journeys are to be read; the row of the highest version counts. `made`: the generation (nanoseconds when it was
-- begun), 0 where there is none. Whoever has an insert behind `seen` (`touched.at`), or a key that moved behind `moved`
-- (`person_map.version`), is read from `events`. `names`: of lane 1, 2 .. A text's code is its place in its list, from 1 on.
create table if not exists journey_sites /*alone*/ (
    site LowCardinality(String),
    version UInt64,
    made UInt64,
    since Int64, -- milliseconds
    seen UInt64,
    moved UInt64,
    units UInt64,
    names Array(String),
    countries Array(String),
    devices Array(String),
    channels Array(String)
)
engine = /*replacing_by_version*/
order by site
settings fsync_after_insert = 1;

-- Whose journeys are being made anew, and all keys of theirs, in memory only: mutations cannot see temporary tables.
create table if not exists journey_units /*alone*/ (unit UInt64) engine = Memory;
create table if not exists journey_owned /*alone*/ (key UInt64, person UInt64) engine = Memory;
