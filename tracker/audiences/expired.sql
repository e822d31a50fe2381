-- How many of the moments at which a time runs out are over, and how many there are.
select countIf(at <= {before:Int64}), count() from expiring where site = {site:String}
