-- All events of some persons; `key` is the person, `own` the event's own key. Slots: events, keys, person, persons.
(
    select * replace (/*person*/ as key)
    from (
        select *, key as own from /*events*/ where site = {site:String} and key global in /*keys*/
    ) as events /*persons*/
) as events
