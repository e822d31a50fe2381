-- How large an audience was, the latest refresh first.
select at, members, exportable, entered, gone from audience_sizes final
where site = {site:String} and audience = {audience:String} and at >= {from:Int64} and at < {to:Int64}
order by at desc
limit {limit:UInt32}
