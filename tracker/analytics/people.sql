-- Persons by when they were seen last. Slots: events, persons, person, which.
select /*person*/ as unit, max(ts) as last
from /*events*/ /*persons*/
where site = {site:String} and bot = '' and (/*which*/)
group by unit
order by last desc, unit
limit {limit:UInt32}
