-- The latest stay of one person in each audience.
select audience, entered, entered_by, left_at, left_by, arm from members_by_person final
prewhere site = {site:String} and person = {person:UInt64} and audience in {audiences:Array(String)}
order by audience, entered desc
limit 1 by audience
