-- Events of a range of keys into the copy; what is there already may be there twice. Slot: columns.
insert into events_by_key (/*columns*/)
select /*columns*/ from events
where site = {site:String} and key >= {first:UInt64} and key <= {last:UInt64}
