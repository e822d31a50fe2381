-- Sets of persons of some entries, as builds have them. Slots: sets, parts, in_parallel.
select toString(kind) as list, if(kind = 'day', toString(day), entry) as item, /*sets*/ as sets
from /*parts*/
where has(arrayZip({lists:Array(String)}, {items:Array(String)}), (toString(kind), if(kind = 'day', toString(day), entry)))
group by list, item
/*in_parallel*/
