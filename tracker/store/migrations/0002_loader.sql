-- Which arrival of an event id counts: the first one that was loaded. `id` is a 128-bit hash of site and event id.
-- Kept for ever, because the same id may come again after years; 24 bytes an event before compression.
create table if not exists seen (
    id UInt128,
    arrival UInt64
)
engine = EmbeddedRocksDB
primary key id;

-- Months of `events` that may hold an event twice, because an insert had to be repeated. Read with FINAL while open.
create table if not exists doubts (
    month UInt32,
    open UInt8,
    version UInt64
)
engine = /*merge_tree*/
order by (month, version)
settings fsync_after_insert = 1;

-- How many events of a site were erased on request or ran out of their time. Whoever deletes events adds a row, so that the
-- ledger can tell them from lost ones.
create table if not exists erased (
    site LowCardinality(String),
    events UInt64,
    at DateTime('UTC') default now('UTC')
)
engine = /*merge_tree*/
order by (site, at)
settings fsync_after_insert = 1;
