-- The audiences that some persons are in.
select audience, verdict from members_by_person final
prewhere site = {site:String} and person in {people:Array(UInt64)} and audience in {audiences:Array(String)}
where left_at = 0
