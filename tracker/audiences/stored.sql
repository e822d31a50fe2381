-- The stored members of one audience.
select person as who, verdict, granted = 1 as granted from members final
where site = {site:String} and audience = {audience:String} and left_at = 0
