-- One row an event. Frozen at acceptance: site, event, key, ts, id - the whole sorting and partition key - so that
-- inserting an event again can only ever replace the same row.
--
-- key is the person the event itself names: XXH64 of 'u:' + user, or of 'v:' + visitor. `person_map` says, as of now,
-- which keys belong to somebody else: an anonymous visitor who was identified later, a user merged into another one.
create table if not exists events/*local*/ /*on_cluster*/ (
    site LowCardinality(String),
    event LowCardinality(String),
    key UInt64,
    ts DateTime64(3, 'UTC'),
    id UUID,
    arrival UInt64,
    seq UInt32,
    type LowCardinality(String),
    message_id String,
    original_ts Nullable(DateTime64(3, 'UTC')),
    received DateTime64(3, 'UTC'),
    visitor String,
    user String,
    previous String,
    `group` String,
    session String,
    url String,
    host LowCardinality(String),
    path String,
    referrer String,
    referrer_host LowCardinality(String),
    title String,
    channel LowCardinality(String),
    utm_source LowCardinality(String),
    utm_medium LowCardinality(String),
    utm_campaign LowCardinality(String),
    utm_term LowCardinality(String),
    utm_content LowCardinality(String),
    click_id_kind LowCardinality(String),
    click_id String,
    country LowCardinality(String),
    device LowCardinality(String),
    os LowCardinality(String),
    os_version LowCardinality(String),
    browser LowCardinality(String),
    browser_version LowCardinality(String),
    bot LowCardinality(String),
    language LowCardinality(String),
    timezone LowCardinality(String),
    screen LowCardinality(String),
    value Nullable(Float64),
    currency LowCardinality(String),
    items Array(Tuple(item_id String, item_name String, item_category String, price Float64, quantity Float64)),
    props String codec(ZSTD(1)),
    traits String codec(ZSTD(1)),
    analytics Int8,
    ads Int8,
    gpc UInt8,
    mode LowCardinality(String),
    ip String,
    ua String codec(ZSTD(1)),
    library LowCardinality(String),
    source LowCardinality(String)
)
engine = /*replacing*/
partition by toYYYYMM(ts)
order by (site, event, key, ts, id)
-- parts of one insert stay compact: making one durable costs a few syncs, not several for each column
settings fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0,
    min_bytes_for_wide_part = 134217728;

/*spread: events by key*/;

-- Which key is really which person, as of the highest version. Only keys that belong to another one are in here.
-- Every node of a cluster has all of it: reports join it with events where these are.
create table if not exists person_map /*on_cluster*/ (
    site LowCardinality(String),
    key UInt64,
    person UInt64,
    version UInt64
)
engine = /*replacing_by_version*/
order by (site, key)
settings fsync_after_insert = 1;

-- Who was identified as whom, and which users were merged; `person_map` is computed from this.
create table if not exists identity_links (
    site LowCardinality(String),
    kind LowCardinality(String), -- identify: visitor -> user; alias: user -> user
    source String,
    target String,
    ts DateTime64(3, 'UTC'),
    arrival UInt64
)
engine = /*replacing*/
order by (site, kind, source, target, ts, arrival)
settings fsync_after_insert = 1, index_granularity = 512; -- looked up visitor by visitor

-- Events that were not accepted, with the reason; seven days (TTL), replayable.
create table if not exists rejected (
    site LowCardinality(String),
    arrival UInt64,
    received DateTime64(3, 'UTC'),
    reason LowCardinality(String),
    message String,
    source LowCardinality(String),
    raw String codec(ZSTD(1))
)
engine = /*replacing*/
order by (site, arrival)
ttl toDateTime(received) + interval 7 day
settings fsync_after_insert = 1;
