-- The events of a few units, in order: `/*number*/` says of each its milliseconds and its step. Of a unit with very many
-- events some are left out, one more than anybody counts.
-- Slots: hits, touched, number, among.
select /*touched*/ as touched, arraySlice(arrayMap(p -> /*number*/, arraySort(packed)), 1, {most:UInt32}) as events
from (/*hits*/)
where /*among*/
