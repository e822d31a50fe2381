-- How many people were in which state in which period. Periods are counted from the one before the first that is asked for,
-- which is 0; `active` are those from there on in which a person did it, `began` is the person's first one ever. A cell is
-- a period times 4 and a state's place.
-- Slots: active, gathered.
select toInt64(intDiv(cell, 4)) - 1 as number, cell % 4 as state, count() as people
from (
    select toUInt16(arrayJoin(arrayConcat(
        arrayMap(p -> p * 4 + multiIf(p = began, 0, has(active, p - 1), 1, 2), arrayFilter(p -> p > 0, active)),
        arrayMap(p -> p * 4 + 7, arrayFilter(p -> p <= {last:Int64} and not has(active, p + 1), active))
    ))) as cell
    from (select began, /*active*/ as active from (/*gathered*/))
    where notEmpty(active)
)
group by cell
