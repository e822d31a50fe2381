-- Whose rows an erasure deletes, while it works: mutations name this table instead of a person, because ClickHouse keeps the
-- text of a mutation on disk. In memory only; whoever erases fills it anew. Every node of a cluster has all of it.
create table if not exists erasing /*on_cluster*/ (
    site String,
    kind String, -- key: of a person; arrival: of a rejected event
    number UInt64
)
engine = Set
settings persistent = 0;

-- Which erasure deleted them, so that telling it again after a crash changes nothing.
alter table erased add column if not exists erasure String default '';
