-- One share of all members, so that a large audience is never in memory as a whole. Slot: verdicts.
select who, verdict, granted from (/*verdicts*/) where who % {shares:UInt64} = {share:UInt64} order by who
