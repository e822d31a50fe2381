-- All keys that were looked at.
select groupUniqArray(key) from (
    select key from touched_owned union all select person as key from touched_people union all select key from touched_keys
)
