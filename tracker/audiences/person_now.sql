-- The persons that some keys belong to, as of now; a key without a row belongs to itself.
select key, argMax(person, version) as person from person_map
where site = {site:String} and key in {keys:Array(UInt64)}
group by key
