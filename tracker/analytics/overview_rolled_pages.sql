-- The pages with the most views. Slot: parts.
select entry
from /*parts*/
group by entry
order by sum(events) desc, entry
limit {top:UInt32}
