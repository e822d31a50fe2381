-- One figure an interval out of counted days. Slots: bucket, figure, parts, in_parallel.
select toString(/*bucket*/) as bucket, /*figure*/ as figure
from /*parts*/
where {every:Bool} or entry = {entry:String}
group by bucket
/*in_parallel*/
