-- The attempt that counts for every unit of an ordered funnel, from arrays that hold each step's events in order.
--
-- `from_k` says at every event of step k which start is the latest that has got here within the window (0: none): that of the
-- last event of step k-1 that has one. A later start reaches all that an earlier one reaches and its window ends later.
-- Slots: value, at, furthest, start, levels, journeys.
select unit, /*value*/, bitShiftLeft(toUInt32(1), furthest) - 1 as reached/*at*/
from (
    select *, /*furthest*/ as furthest/*start*/
    from (
        select *, /*levels*/
        from (/*journeys*/)
    )
)
where furthest > 0
