-- All of them, in the order of their keys. Slot: verdicts.
select * from (/*verdicts*/) order by who
