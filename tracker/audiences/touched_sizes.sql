-- How many keys each of some inserts has, the latest first.
select at, count() as keys from touched
where site = {site:String} and at in {blocks:Array(UInt64)}
group by at
order by at desc
