-- Events that a network is to be told of, each with its person and the last click of each kind before it. One share of
-- all persons, so that a large shop is never in memory as a whole. `n`: which of the mappings it is (the first that fits).
-- Names of its own inside: a condition must see the store's columns, not what they are called here.
-- Slots: person, events, persons, which, event_id, order_id.
select
    who, event.1 as number, event.2 as at, event.3 as n, event.4 as event_id, event.5 as url, event.6 as value,
    event.7 as currency, event.8 as order_id,
    event.9 as item_ids, event.10 as item_names, event.11 as categories, event.12 as prices, event.13 as quantities,
    arrayMap(k -> arrayLast(c -> c.2 = k and c.1 <= at and c.1 >= at - {click_life:Int64}, clicks).1, {kinds:Array(String)}) as clicked,
    arrayMap(k -> arrayLast(c -> c.2 = k and c.1 <= at and c.1 >= at - {click_life:Int64}, clicks).3, {kinds:Array(String)}) as click_ids
from (
    select
        who,
        arraySort(groupArrayIf((e_at, e_kind, e_click), has({kinds:Array(String)}, e_kind) and e_click != '')) as clicks,
        groupArrayIf(
            (e_number, e_at, e_n, e_id, e_url, e_value, e_currency, e_order,
                e_texts.1, e_texts.2, e_texts.3, e_numbers.1, e_numbers.2),
            e_n > 0 and e_at >= {from:Int64}) as found
    from (
        select
            /*person*/ as who,
            xxHash64(toString(id)) as e_number,
            toUnixTimestamp64Milli(ts) as e_at,
            toString(click_id_kind) as e_kind,
            click_id as e_click,
            multiIf(/*which*/, 0) as e_n,
            /*event_id*/ as e_id,
            url as e_url,
            if(isNull(value) or not isFinite(ifNull(value, 0)), '', toString(ifNull(value, 0))) as e_value,
            toString(currency) as e_currency,
            /*order_id*/ as e_order,
            (arrayMap(i -> i.1, items), arrayMap(i -> i.2, items), arrayMap(i -> i.3, items)) as e_texts,
            (arrayMap(i -> i.4, items), arrayMap(i -> i.5, items)) as e_numbers
        from /*events*/ /*persons*/
        where site = {site:String} and bot = ''
            and ts >= fromUnixTimestamp64Milli({clicks_from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})
    )
    where e_n > 0 or e_click != ''
    group by who
    having notEmpty(found) and who % {shares:UInt64} = {share:UInt64}
)
array join found as event
order by at, number
