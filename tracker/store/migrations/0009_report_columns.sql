-- What reports read of every event, quicker: numbers of a narrow range are kept as narrow numbers. Parts from before are
-- rewritten so when they are merged.
alter table events/*local*/ /*on_cluster*/ modify column key codec(LZ4);
alter table events/*local*/ /*on_cluster*/ modify column ts codec(T64, LZ4);
alter table events/*local*/ /*on_cluster*/ modify column arrival codec(T64, LZ4);
alter table events/*local*/ /*on_cluster*/ modify column seq codec(T64, LZ4);
alter table events/*local*/ /*on_cluster*/ modify column received codec(T64, LZ4);

-- The visit that an event belongs to, 0 where it has no session: reading two texts to tell visits apart costs more than all
-- else that a report reads. Parts from before have it computed when it is read.
alter table events/*local*/ /*on_cluster*/ add column if not exists visit UInt64
    default if(session = '', 0, xxHash64(concat('s:', if(visitor = '', user, visitor), '\0', session)))
    codec(LZ4) after session;

-- The same for a cluster's table over all nodes.
alter table events /*on_cluster*/ add column if not exists visit UInt64
    default if(session = '', 0, xxHash64(concat('s:', if(visitor = '', user, visitor), '\0', session))) after session;
