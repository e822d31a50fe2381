-- The person a key belongs to, as of now; no row: to itself.
select argMax(person, version) as person from person_map
where site = {site:String} and key = {key:UInt64}
group by key
