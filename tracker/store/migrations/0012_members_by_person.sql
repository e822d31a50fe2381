-- The stays of `members` once more, a person's side by side: a refresh looks up a few thousand persons among all audiences,
-- and in the other order their stays are in every granule of the table. Written before `members`, which takes over what a
-- crash kept from it. Granules and blocks are small, because a person has some tens of rows.
create table if not exists members_by_person (
    site LowCardinality(String),
    person UInt64,
    audience LowCardinality(String),
    entered Int64,
    entered_by LowCardinality(String),
    left_at Int64,
    left_by LowCardinality(String),
    verdict LowCardinality(String),
    granted UInt8,
    arm LowCardinality(String),
    armed Int64,
    version UInt64
)
engine = /*replacing_by_version*/
order by (site, person, audience, entered)
settings fsync_after_insert = 1, index_granularity = 512, min_compress_block_size = 8192;

insert into members_by_person (
    site, person, audience, entered, entered_by, left_at, left_by, verdict, granted, arm, armed, version
)
select site, person, audience, entered, entered_by, left_at, left_by, verdict, granted, arm, armed, version from members;
