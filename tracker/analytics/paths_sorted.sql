-- One row a person: the nodes in order. `sorted` numbers sort as the contract orders events and end in the node's code;
-- narrow: they lack sequence and arrival, and `tied` says that these decide for the person. `pauses` is where a visit
-- begins; an event of the node before is merged into it (`keeps`).
-- Slots: pauses, tied, node, node_before, gathered.
with arrayPopBack(arrayPushFront(sorted, sorted[1])) as before
select person, sorted, /*pauses*/ as pauses, /*tied*/ as tied,
    arrayMap((p, q, pause, at) -> at = 1 or pause or /*node*/ != /*node_before*/,
        sorted, before, pauses, arrayEnumerate(sorted)) as keeps
from (
    select person, arraySort(packed) as sorted
    from (/*gathered*/)
)
