-- Properties and their most frequent values in a sample of 100,000 events. A column counts under its own name, keys of
-- `props` under `props.` and their name. Nested objects and lists are left out: they have no single value.
-- Slots: events, which, columns.
select pair.1 as property, topK(20)(left(pair.2, 200)) as values
from (
    select arrayConcat(
        [/*columns*/],
        arrayMap(
            p -> (concat('props.', p.1), if(startsWith(p.2, '"'), JSONExtractString(p.2), p.2)),
            arrayFilter(p -> not match(p.2, '^[\\[{]|^null$'), JSONExtractKeysAndValuesRaw(props)))) as pairs
    from /*events*/
    where site = {site:String} and bot = '' and (/*which*/)
    limit 100000
) array join pairs as pair
where pair.2 != ''
group by property
order by startsWith(property, 'props.') desc, property
limit 500
