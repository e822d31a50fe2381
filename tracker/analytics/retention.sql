-- Who came back: one row a cohort, column and value of the cohort property. Column 0 is everybody in the cohort.
--
-- `gathered` brings a person's starts and returns together, `openings` are the cohorts the person is in, `columns` the
-- columns in which the person returned after `opening`.
-- Slots: period, value, gathered, openings, columns, person, property, events, persons, counted, start, back, since, chosen.
select value, period, column, count() as people
from (
    select /*period*/ as period, /*value*/ as value,
        arrayJoin(arrayConcat([toInt32(0)], /*columns*/)) as column
    from (
        select returns, arrayJoin(/*openings*/) as opening
        from (
            select person, /*gathered*/
            from (
                select ts, seq, arrival, /*person*/ as person/*property*/, /*start*/ as is_start, (/*back*/) and ts >= fromUnixTimestamp64Milli({from:Int64}) as is_return
                from /*events*/ /*persons*/
                where site = {site:String} and /*counted*/ and /*chosen*/ and ts < fromUnixTimestamp64Milli({to:Int64})
                    and (is_return or is_start) and /*since*/
            )
            group by person
        )
    )
)
group by value, period, column
