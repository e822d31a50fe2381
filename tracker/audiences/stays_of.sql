-- The latest stay of one person in each audience.
select audience, entered, entered_by, left_at, left_by, arm from members final
where site = {site:String} and audience in {audiences:Array(String)} and person = {person:UInt64}
order by audience, entered desc
limit 1 by audience
