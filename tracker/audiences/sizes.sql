-- How many members have each verdict. Slot: verdicts.
select verdict, count() as members from (/*verdicts*/) group by verdict
