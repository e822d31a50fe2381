-- What a list says of some persons: how much they want now, what they are worth, what they did last, when they are there.
-- `intent`: points of what they did in 30 days, halved every 7 days. `open_*`: since the last purchase. `hours`: events of
-- 60 days by hour of the week (0: Monday 0:00) in the site's time zone. `spent`: in the currency of their latest purchase.
-- Slots: person, events, persons, theirs.
select
    who,
    sum(points * exp2(-(({now:Int64} - at) / 604800000.))) as intent,
    countIf(what = 'purchase') as purchases,
    maxIf(at, what = 'purchase') as bought_at,
    argMaxIf(money_of, (at, arrival), what = 'purchase' and money_of != '') as spent_in,
    sumMapIf([money_of], [worth], what = 'purchase' and worth > 0) as spent,
    maxIf(at, what = 'begin_checkout') as checkout_at,
    maxIf(at, what = 'add_to_cart') as cart_at,
    argMaxIf(worth, (at, arrival), what in ('begin_checkout', 'add_to_cart') and worth > 0) as cart_worth,
    argMaxIf(money_of, (at, arrival), what in ('begin_checkout', 'add_to_cart') and worth > 0) as cart_in,
    countIf(what = 'view_item' and at > {now:Int64} - 604800000) as viewed,
    argMaxIf(item, (at, arrival), what = 'view_item' and item != '') as item_seen,
    maxIf(at, what = 'callback_requested') as asked_at,
    argMaxIf(slot, (at, arrival), what = 'callback_requested') as asked_slot,
    sumMapIf([hour], [1], at > {now:Int64} - 5184000000) as hours
from (
    select
        /*person*/ as who,
        arrival,
        toUnixTimestamp64Milli(ts) as at,
        toString(event) as what,
        if(isFinite(ifNull(value, 0)), ifNull(value, 0), 0.) as worth,
        toString(currency) as money_of,
        if(empty(items), '', items[1].2) as item,
        trim(concat(JSONExtractString(props, 'date'), ' ', JSONExtractString(props, 'slot'), ' ',
            JSONExtractString(props, 'timezone'))) as slot,
        toUInt16((toDayOfWeek(ts, 0, {timezone:String}) - 1) * 24 + toHour(ts, {timezone:String})) as hour,
        if(at <= {now:Int64} - 2592000000, 0, transform(what,
            ['page_view', 'view_item', 'search', 'add_to_wishlist', 'add_to_cart', 'begin_checkout', 'add_payment_info',
             'callback_requested'],
            [0.2, 1., 1., 3., 5., 10., 12., 20.], 0.)) as points
    from /*events*/ /*persons*/
    where site = {site:String} and bot = '' and key in /*theirs*/ and ts <= fromUnixTimestamp64Milli({now:Int64} + 120000)
)
group by who
