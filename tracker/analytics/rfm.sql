-- Segments (r, f and m are 0) and cells of three scores (segment is ''). Slot: buyers.
select segment, r, f, m, count() as people, sum(purchases) as purchases, sum(money) as money, avg(days) as days
from (/*buyers*/)
group by grouping sets ((segment), (r, f, m))
order by segment = '', r desc, f desc, m desc, segment
