-- The events of some keys, each once although the copy may hold it twice. Slots: columns, keys.
(
    select /*columns*/ from events_by_key
    where site = {site:String} and key in (/*keys*/)
    limit 1 by key, ts, event, id
) as events
