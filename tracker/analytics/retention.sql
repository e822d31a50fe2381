-- Who came back: one row a cohort, column and value of the cohort property. Column 0 is everybody in the cohort.
--
-- `openings` are the cohorts a person is in, `columns` 0 and the columns in which the person returned after `opening`.
-- Slots: value, period, columns, wide, openings, in_order, gathered.
select value, toInt32(intDiv(cell, {periods:UInt32})) as period, toInt32(cell % {periods:UInt32}) as column, count() as people
from (
    select value, /*wide*/(period * {periods:UInt32} + column) as cell
    from (
        select /*value*/ as value, /*period*/ as period, arrayJoin(/*columns*/) as column
        from (select *, arrayJoin(/*openings*/) as opening from (select */*in_order*/ from (/*gathered*/)))
    )
    where column < {periods:UInt32} - period
)
group by value, cell
