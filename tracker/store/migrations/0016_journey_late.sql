-- Keys whose persons' journeys wait to be made anew for longer than `touched` remembers, because too little has come to pay for
-- it. Rows of other marks than the site's are not read. `went`: see `journey_touched.sql`.
create table if not exists journey_late /*alone*/ (
    site LowCardinality(String),
    mark UInt64,
    key UInt64,
    went UInt8
)
engine = /*merge_tree*/
partition by mark
order by (site, key)
settings fsync_after_insert = 1, fsync_part_directory = 1;

-- `late`: the mark of the site's rows in `journey_late`, 0 where there are none. `paid`: nanoseconds, from when on what came is
-- counted; `spent`: what the upkeep has cost since, in events that pay for it.
alter table journey_sites /*alone*/ add column if not exists late UInt64 default 0;
alter table journey_sites /*alone*/ add column if not exists paid UInt64 default 0;
alter table journey_sites /*alone*/ add column if not exists spent UInt64 default 0;
