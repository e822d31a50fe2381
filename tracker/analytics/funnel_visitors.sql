-- `events` with the key of each one's visitor as `who`, those without a visitor left out. An event without a user is stored
-- by its visitor: its key is the visitor's, so the text need not be read and the table's order finds it.
(select *, key as who from events where user = '' and key != xxHash64('v:')
union all select *, xxHash64(concat('v:', visitor)) as who from events where user != '' and visitor != '') as events
