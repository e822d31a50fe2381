-- When the persons that were judged must be judged again.
insert into expiring (site, at, person)
select {site:String}, min(until), person from judged where until < {never:Int64} group by person
