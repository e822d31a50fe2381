-- The pages with the most views. Slots: parts, in_parallel.
select entry
from /*parts*/
group by entry
order by sum(events) desc, entry
limit {top:UInt32}
/*in_parallel*/
