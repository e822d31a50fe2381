-- Events of sites that have audiences once more, those of a key side by side, with the columns that rules are mostly about: a
-- refresh reads all events of a few thousand persons, and in `events`, sorted by name first, they are in every granule.
-- A copy (`tracker/audiences/by_key.py`), never the truth; a row may be in it twice. Small granules, because a key has few rows.
-- Not on a cluster.
create table if not exists events_by_key /*alone*/ (
    site LowCardinality(String),
    key UInt64,
    ts DateTime64(3, 'UTC') codec(T64, LZ4),
    event LowCardinality(String),
    id UUID,
    arrival UInt64 codec(T64, LZ4),
    seq UInt32 codec(T64, LZ4),
    type LowCardinality(String),
    visitor String,
    user String,
    `group` String,
    session String,
    host LowCardinality(String),
    path String,
    channel LowCardinality(String),
    utm_source LowCardinality(String),
    utm_medium LowCardinality(String),
    utm_campaign LowCardinality(String),
    country LowCardinality(String),
    device LowCardinality(String),
    os LowCardinality(String),
    browser LowCardinality(String),
    language LowCardinality(String),
    bot LowCardinality(String),
    value Nullable(Float64),
    currency LowCardinality(String),
    props String,
    traits String,
    analytics Int8,
    ads Int8,
    gpc UInt8,
    mode LowCardinality(String)
)
engine = /*replacing*/
order by (site, key, ts, event, id)
settings fsync_after_insert = 1, fsync_part_directory = 1, index_granularity = 512, min_compress_block_size = 8192,
    min_bytes_for_wide_part = 134217728;

-- Sites whose events are copied as they come (`whole` 0), and of which all that came before is there, too (1).
create table if not exists events_by_key_sites /*alone*/ (
    site LowCardinality(String),
    whole UInt8
)
engine = /*merge_tree*/
order by site
settings fsync_after_insert = 1;

create materialized view if not exists events_to_by_key /*alone*/ to events_by_key as
select
    site, key, ts, event, id, arrival, seq, type, visitor, user, `group`, session, host, path, channel, utm_source,
    utm_medium, utm_campaign, country, device, os, browser, language, bot, value, currency, props, traits, analytics, ads,
    gpc, mode
from events
where site in (select site from events_by_key_sites);
