-- Keys to look at again, and why. Slot: happened.
insert into touched_keys (key, cause)
/*happened*/
