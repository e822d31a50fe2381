-- One of the lists of some builds of days in one, without buyers, whom nobody asks for there. Attached: used.
insert into rollup_spans (
    site, zone, name, build, kind, entry, events, page_views, purchases, sessions, revenue, people
)
select {site:String}, {timezone:String}, {name:String}, {build:UInt64}, kind, entry,
    sum(events), sum(page_views), sum(purchases), sum(sessions),
    sumMap(mapApply((unit, amount) -> (concat(toString(day), unit), amount), revenue)),
    groupBitmapMergeState(people)
from rollups
where site = {site:String} and zone = {timezone:String} and kind = {kind:String}
    and (toUInt16(day), build) in (select day, build from /*table:used*/)
group by kind, entry
