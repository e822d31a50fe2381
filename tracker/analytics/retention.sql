-- Who came back: one row a cohort, column and value of the cohort property. Column 0 is everybody in the cohort.
--
-- `openings` are the cohorts a person is in, `columns` 0 and the columns in which the person returned after `opening`.
-- Grouping by one small number finds a group by its place in a table; a text beside it, be it always '', costs ten times that.
-- Slots: shown, value, named, period, columns, wide, began, openings, in_order, gathered.
select /*shown*/ as value, toInt32(intDiv(cell, {periods:UInt32})) as period, toInt32(cell % {periods:UInt32}) as column, count() as people
from (
    select /*named*/ /*wide*/(period * {periods:UInt32} + column) as cell
    from (
        select /*value*/ /*period*/ as period, arrayJoin(/*columns*/) as column
        from (select */*began*/ from (select *, arrayJoin(/*openings*/) as opening from (select */*in_order*/ from (/*gathered*/))))
    )
    where column < {periods:UInt32} - period
)
group by /*named*/ cell
