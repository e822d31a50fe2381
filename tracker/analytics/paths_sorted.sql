-- One row a person: the nodes in order, each a number that sorts as the contract orders events and ends in the node's code and
-- a bit that is set where a visit begins. An event of the node before it is merged into it. `who` is the person where the
-- numbers lack sequence and arrival (narrow) and these decide, else 0.
-- Slots: in_order (the numbers, sorted), wide, before_first, begins, moved, tied, gathered.
with arrayShiftRight(sorted, 1, /*before_first*/) as before
select person * /*tied*/ as who,
    arrayFilter(p -> p != 0, arrayMap((p, q) -> if(/*begins*/ or /*moved*/, p + /*begins*/, to/*wide*/(0)), sorted, before)) as kept
from (
    select person, /*in_order*/ as sorted
    from (/*gathered*/)
)
