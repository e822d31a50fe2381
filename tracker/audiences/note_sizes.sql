-- How large audiences are after a refresh.
insert into audience_sizes (site, audience, at, members, exportable, entered, gone)
select {site:String}, audience, {at:Int64}, members, exportable, entered, gone from /*table:sizes*/
