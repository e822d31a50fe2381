-- What some visits of a day that is built add to its lists. Slot: cells.
insert into rollup_pieces (build, kind, entry, events, page_views, purchases, sessions, revenue, people, buyers)
select {build:UInt64}, kind, entry, events, page_views, purchases, sessions, revenue, people, buyers
from (/*cells*/)
