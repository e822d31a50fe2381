-- The lists of several days of `rollups` in one: a month, or the days up to yesterday that the dashboard asks for. The persons
-- of a span are the union of its days' sets, so that a question unites a few sets instead of thirty.
create table if not exists rollup_spans (
    site LowCardinality(String),
    zone LowCardinality(String),
    name LowCardinality(String),
    build UInt64,
    kind LowCardinality(String),
    entry String,
    events UInt64,
    page_views UInt64,
    purchases UInt64,
    sessions UInt64,
    revenue Map(String, Float64), -- by day and currency
    people AggregateFunction(groupBitmap, UInt32),
    buyers AggregateFunction(groupBitmap, UInt32)
)
engine = /*merge_tree*/
order by (site, zone, kind, build, entry)
settings fsync_after_insert = 1, index_granularity = 256;

-- Of which builds of which days the last span of a name is made. It counts where all of these count; none: it is gone.
create table if not exists rollup_span_days (
    site LowCardinality(String),
    zone LowCardinality(String),
    name String,
    build UInt64,
    days Array(UInt16),
    builds Array(UInt64)
)
engine = /*replacing_by_build*/
order by (site, zone, name)
settings fsync_after_insert = 1;
