-- The stored members of an audience who may leave the house, in memory, read once.
create temporary table inside_now engine = Memory as
select person from members final
prewhere site = {site:String} and audience = {audience:String}
where left_at = 0 and verdict = 'exportable'
