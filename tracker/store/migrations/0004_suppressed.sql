-- Keys of the persons on the suppression list, for audiences: the list itself is in the catalog and names nobody, so what is
-- here is only what events hold anyway. `listed` 0: a withdrawal that a later yes ended. Every node of a cluster has all of it.
create table if not exists suppressed /*on_cluster*/ (
    site LowCardinality(String),
    key UInt64,
    listed UInt8,
    version UInt64
)
engine = /*replacing_by_version*/
order by (site, key)
settings fsync_after_insert = 1;
