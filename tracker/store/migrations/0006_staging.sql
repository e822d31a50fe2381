-- Events are taken apart by the loader's own statement (tracker/loader/stage.sql) since then.
drop view if exists ingest_events;

drop table if exists ingest;
