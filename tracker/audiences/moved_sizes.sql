-- By how much this refresh changes the sizes, and how many came and went.
select
    audience,
    countIf(entered = {now:Int64} and left_at = 0) as came,
    countIf(left_at != 0) as went,
    toInt64(countIf(left_at = 0 and verdict = 'exportable')) - toInt64(countIf(was = 'exportable')) as exportable
from stays
group by audience
