-- All keys of a share of the persons: those with something new, and those that went over to somebody else, are among them.
select groupArray(key) from touched_owned where person % {shares:UInt64} = {share:UInt64}
