-- Takes records apart: one row each, seen by this session only. `texts` are segments of the spool, or some lines of them, with
-- the segment's number. A line is eight hex digits of CRC-32, a space, the JSON of a record; the text ends with a newline.
-- Header and trailer of a segment are left out: whoever sent it has looked at both.
--
-- JSON is taken apart in a subquery, into columns e.site, e.name and so on: ClickHouse analyses that in a third of the time it
-- needs for an alias used fifty times (60 ms a batch).
--
-- JSON that cannot be taken apart gives empty fields. `sound`: its checksum is right. `kind`: the beginning of the record,
-- that of an event or another. `ok`: a sound event that `events` can hold; `raw` is kept of all others.
-- Slot: secret, two numbers nobody outside knows: nobody can find two addresses of the same `place`.
create temporary table staged engine = Memory as
with toUUIDOrNull(e.id) as uuid
select
    rowNumberInAllBlocks() as row,
    part,
    substring(json, 1, 9) as kind,
    reinterpretAsUInt32(reverse(unhex(checksum))) = CRC32(json) as sound,
    sound and kind = '{"k":"e",' and uuid is not null and e.site != '' and e.name != '' and e.ts != 0 and e.arrival != 0 as ok,
    if(ok, '', json) as raw,
    xxh3_128(concat(e.site, '\0', lower(e.id))) as digest, -- its bytes are the key of `seen`
    sipHash64Keyed(/*secret*/, e.ua, e.bot != '') as agent,
    sipHash64Keyed(/*secret*/, e.url, e.referrer, e.type in ('page', 'screen')) as place,
    e.vault as vault,
    e.consent as consent,
    e.consent_text as consent_text,
    e.site as site,
    e.name as event,
    if(e.user != '', xxHash64(concat('u:', e.user)), xxHash64(concat('v:', e.visitor))) as key,
    fromUnixTimestamp64Milli(e.ts, 'UTC') as ts,
    assumeNotNull(uuid) as id,
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
    e.referrer as referrer,
    e.title as title,
    e.country as country,
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
from (
    select
        part,
        substring(line, 1, 8) as checksum,
        substring(line, 10) as json,
        untuple(JSONExtract(json, 'Tuple(
            site LowCardinality(String), name LowCardinality(String), ts Int64, id String, arrival UInt64, seq UInt32,
            type LowCardinality(String), message_id String, original_ts Int64, received Int64, visitor String,
            user String, previous String, `group` String, session String, url String, referrer String, title String,
            country LowCardinality(String), bot LowCardinality(String), language LowCardinality(String),
            timezone LowCardinality(String), screen LowCardinality(String), value Nullable(Float64),
            currency LowCardinality(String),
            items Array(Tuple(item_id String, item_name String, item_category String, price Float64, quantity Float64)),
            props String, traits String, analytics Nullable(Int8), ads Nullable(Int8), gpc UInt8,
            mode LowCardinality(String), ip String, ua String, library LowCardinality(String),
            source LowCardinality(String), vault String, consent String, consent_text String
        )')) as e
    from (
        select
            part,
            substring(text, 10, 9) = '{"k":"h",' as whole,
            splitByChar('\n', text) as lines,
            arrayJoin(arraySlice(lines, if(whole, 2, 1), if(whole, -2, -1))) as line
        from /*texts*/
        where text != ''
    )
)
