-- The audiences that some persons are in.
select audience, verdict from members final
where site = {site:String} and audience in {audiences:Array(String)} and person in {people:Array(UInt64)} and left_at = 0
