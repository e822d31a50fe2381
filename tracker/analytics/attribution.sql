-- All paths at once: what each key is credited with, and how long paths are and take. A path is the keys of the touches
-- that led to one conversion, or (Markov only) to none. Slots: journeys, shares, pairs.
with arrayMap(touch -> touch.3, path) as keys,
    length(path) as n,
    arrayMap(touch -> toInt64(bitShiftRight(end.1, 88)) - toInt64(bitShiftRight(touch.1, 88)), path) as ages,
    arrayMap(touch -> touch.5, path) as direct,
    /*shares*/ as credited,
    credited.1 as credited_keys,
    credited.2 as shares
select countIf(end.4 = 1) as conversions,
    sumIf(end.3, end.4 = 1) as amount,
    countIf(end.4 = 1 and n = 0) as untouched,
    sumIf(end.3, end.4 = 1 and n = 0) as untouched_amount,
    sumMapIf(credited_keys, shares, end.4 = 1) as credits,
    sumMapIf(credited_keys, arrayMap(share -> share * end.3, shares), end.4 = 1) as amounts,
    /*pairs*/ as transitions,
    sumMapIf([toUInt64(n)], [toUInt64(1)], end.4 = 1) as lengths,
    avgOrNullIf(ages[1], end.4 = 1 and n > 0) as lag_average,
    quantileExactInclusiveOrNullIf(0.5)(ages[1], end.4 = 1 and n > 0) as lag_median
from (
    select arrayJoin(ends) as end, arrayFilter(touch -> touch.1 <= end.1 and touch.1 >= end.2, touches) as path
    from (/*journeys*/)
)
where end.4 = 1 or length(path) > 0
