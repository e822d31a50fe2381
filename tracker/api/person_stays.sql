-- Every stay of one person, under any of these keys, in the audiences of a site, the newest first.
select audience, entered, entered_by, left_at, left_by from members final
where site = {site:String} and person in {persons:Array(UInt64)}
order by greatest(entered, left_at) desc, audience
limit {limit:UInt32}
