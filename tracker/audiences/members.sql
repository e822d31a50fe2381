-- A page of members, in the order of their keys, and how many there are. Slot: verdicts.
select * from (
    select *, count() over () as total from (/*verdicts*/)
)
where who > {after:UInt64}
order by who
limit {limit:UInt32}
