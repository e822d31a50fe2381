-- The rows of a day out of all its pieces.
insert into rollups (site, zone, day, build, kind, entry, events, page_views, purchases, sessions, revenue, people, buyers)
select {site:String}, {timezone:String}, toDate({number:UInt16}), {build:UInt64}, kind, entry,
    sum(events), sum(page_views), sum(purchases), sum(sessions), sumMap(revenue),
    groupBitmapMergeState(people), groupBitmapMergeState(buyers)
from rollup_pieces
where build = {build:UInt64}
group by kind, entry
