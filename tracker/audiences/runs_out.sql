-- Whether a time has run out for somebody.
select 1 from expiring where site = {site:String} and at > {after:Int64} and at <= {now:Int64} limit 1
