-- Rows of persons (`unit`), each once for every stored key of the person; that is `unit` then, and the person is `who`.
-- A key that belongs to somebody else is not its own person's. Slot: rows.
with mapped as (
    select key, argMax(person, version) as owner from person_map where site = {site:String} group by key
)
select * except (keys), arrayJoin(arrayConcat(keys, if(who in (select key from mapped), [], [who]))) as unit
from (
    select * except (unit), unit as who
    from (/*rows*/) as told
    any left join (select owner as unit, groupArray(key) as keys from mapped group by owner) as owned using (unit)
)
