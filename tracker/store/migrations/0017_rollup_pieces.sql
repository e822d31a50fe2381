-- The events of a day that is being built, a few keys at a time, each with the number of its person, visit by visit: so that
-- the day can be counted in pieces. Nothing is synced: a build that was cut off is begun again. Left as inserted, because a
-- build lasts for seconds.
create table if not exists rollup_rows (
    build UInt64 codec(Delta, LZ4),
    visit UInt64,
    event LowCardinality(String),
    path String,
    country LowCardinality(String),
    device LowCardinality(String),
    channel LowCardinality(String),
    on_page UInt8,
    in_session UInt8,
    value Nullable(Float64),
    currency LowCardinality(String),
    ts DateTime64(3, 'UTC') codec(T64, LZ4),
    seq UInt32 codec(T64, LZ4),
    arrival UInt64 codec(T64, LZ4),
    number UInt32
)
engine = /*merge_tree*/
partition by build
order by visit
settings index_granularity = 1024, max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1,
    old_parts_lifetime = 10;

-- What some visits, or some keys, of such a day add to the rows of `rollups`.
create table if not exists rollup_pieces (
    build UInt64,
    kind LowCardinality(String),
    entry String,
    events UInt64,
    page_views UInt64,
    purchases UInt64,
    sessions UInt64,
    revenue Map(String, Float64),
    people AggregateFunction(groupBitmap, UInt32),
    buyers AggregateFunction(groupBitmap, UInt32)
)
engine = /*merge_tree*/
partition by build
order by (kind, entry)
settings max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1,
    old_parts_lifetime = 10;
