-- The one way in: a row is the JSON of an accepted event (tracker.core.event.Event) with what the loader found out about
-- its user agent, URL and referrer put at its end. ClickHouse takes it apart; nothing is kept in `ingest` itself.
create table if not exists ingest (raw String) engine = Null;

-- JSON that cannot be taken apart gives empty fields, and an event without a site must never be stored: it makes the whole
-- insert fail, and the loader then looks for the bad row.
create materialized view if not exists ingest_events to events as
with JSONExtract(raw, 'Tuple(
    site LowCardinality(String), name LowCardinality(String), ts Int64, id String, arrival UInt64, seq UInt32,
    type LowCardinality(String), message_id String, original_ts Int64, received Int64, visitor String,
    user String, previous String, `group` String, session String, url String, host LowCardinality(String),
    path String, referrer String, referrer_host LowCardinality(String), title String,
    channel LowCardinality(String), utm_source LowCardinality(String), utm_medium LowCardinality(String),
    utm_campaign LowCardinality(String), utm_term LowCardinality(String), utm_content LowCardinality(String),
    click_id_kind LowCardinality(String), click_id String, country LowCardinality(String),
    device LowCardinality(String), os LowCardinality(String), os_version LowCardinality(String),
    browser LowCardinality(String), browser_version LowCardinality(String), bot LowCardinality(String),
    language LowCardinality(String), timezone LowCardinality(String), screen LowCardinality(String),
    value Nullable(Float64), currency LowCardinality(String),
    items Array(Tuple(item_id String, item_name String, item_category String, price Float64, quantity Float64)),
    props String, traits String, analytics Nullable(Int8), ads Nullable(Int8), gpc UInt8, mode LowCardinality(String), ip String,
    ua String, library LowCardinality(String), source LowCardinality(String)
)') as e
select
    e.site as site,
    e.name as event,
    if(e.user != '', xxHash64(concat('u:', e.user)), xxHash64(concat('v:', e.visitor))) as key,
    fromUnixTimestamp64Milli(e.ts, 'UTC') as ts,
    toUUID(e.id) as id,
    e.arrival as arrival,
    e.seq as seq,
    e.type as type,
    e.message_id as message_id,
    if(e.original_ts = 0, null, fromUnixTimestamp64Milli(e.original_ts, 'UTC')) as original_ts,
    fromUnixTimestamp64Milli(e.received, 'UTC') as received,
    e.visitor as visitor,
    e.user as user,
    e.previous as previous,
    e.`group` as `group`,
    e.session as session,
    e.url as url,
    e.host as host,
    e.path as path,
    e.referrer as referrer,
    e.referrer_host as referrer_host,
    e.title as title,
    e.channel as channel,
    e.utm_source as utm_source,
    e.utm_medium as utm_medium,
    e.utm_campaign as utm_campaign,
    e.utm_term as utm_term,
    e.utm_content as utm_content,
    e.click_id_kind as click_id_kind,
    e.click_id as click_id,
    e.country as country,
    e.device as device,
    e.os as os,
    e.os_version as os_version,
    e.browser as browser,
    e.browser_version as browser_version,
    e.bot as bot,
    e.language as language,
    e.timezone as timezone,
    e.screen as screen,
    e.value as value,
    e.currency as currency,
    e.items as items,
    e.props as props,
    e.traits as traits,
    ifNull(e.analytics, -1) as analytics, -- the event leaves out what nobody said
    ifNull(e.ads, -1) as ads,
    e.gpc as gpc,
    e.mode as mode,
    e.ip as ip,
    e.ua as ua,
    e.library as library,
    e.source as source
from ingest
where throwIf(e.site = '' or e.name = '' or e.ts = 0, 'not an event') = 0;
