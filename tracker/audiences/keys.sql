-- A range of the keys of those members, each once, sorted.
select groupArray(key) from (
    select distinct key from (
        select person as key from inside_now
        union all
        select key from theirs_now
    )
    where key >= {first:UInt64} and key <= {last:UInt64}
    order by key
)
