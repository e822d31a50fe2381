-- The attempt that counts for every unit of an ordered funnel without exclusions and optional steps.
--
-- `moments` are the sorted events as milliseconds since the range's start x 2^24 + position, `serves` what each can
-- serve (narrow: the sorted numbers themselves are the moments and end in what they serve). `latest_k` says at every
-- event which start is the latest that has got as far as step k within the window: it is carried on from event to event (arrayFill) and replaced by `latest_(k-1)` where the event serves step k. A later
-- start reaches all that an earlier one reaches and its window ends later, so the latest is the one to carry. The first
-- place where an attempt's start appears in `latest_k` is its earliest possible event for step k.
-- Slots: hits, sorted, moments, levels, furthest, start, reached, at, value, tied, chosen.
select unit, /*value*/ as value, /*reached*/ as reached, /*at*/ as at/*tied*/
from (
    select *, /*furthest*/ as furthest, /*start*/ as start
    from (
        select *, /*levels*/
        from (
            select *, /*sorted*/ as sorted, /*moments*/
            from (/*hits*/)
        )
    )
)
where /*chosen*/
