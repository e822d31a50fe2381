-- One row a person: the nodes in order. `sorted` numbers sort as the contract orders events and end in the node's 64-bit
-- key; narrow: they lack sequence and arrival, and `tied` says that these decide for the person. `pauses` is where a visit
-- begins; an event of the node before is merged into it (`keeps`).
-- Slots: person, packed, pauses, tied, events, persons, counted, relevant, chosen.
with arrayPopBack(arrayPushFront(sorted, sorted[1])) as before
select person, sorted, /*pauses*/ as pauses, /*tied*/ as tied,
    arrayMap((p, q, pause, at) -> at = 1 or pause or toUInt64(p) != toUInt64(q),
        sorted, before, pauses, arrayEnumerate(sorted)) as keeps
from (
    select person, arraySort(packed) as sorted
    from (
        select /*person*/ as person, groupArray(/*packed*/) as packed
        from /*events*/ /*persons*/
        where site = {site:String} and /*counted*/ and (/*relevant*/) and (/*chosen*/)
            and ts >= fromUnixTimestamp64Milli({from:Int64})
            and ts < fromUnixTimestamp64Milli({to:Int64})
        group by person
    )
)
