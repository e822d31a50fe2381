-- Keys of all visitors and users of the stored members of an audience who may leave the house, a range of them, sorted. Both
-- tables are read in this range only.
select groupArray(key) from (
    select distinct key from (
        select person as key from members final
        prewhere site = {site:String} and audience = {audience:String}
            and person >= {first:UInt64} and person <= {last:UInt64}
        where left_at = 0 and verdict = 'exportable'
        union all
        select key from (
            select key, argMax(person, version) as owner from person_map
            where site = {site:String} and key >= {first:UInt64} and key <= {last:UInt64}
            group by key
        )
        where owner in (
            select person from members final
            prewhere site = {site:String} and audience = {audience:String} and person in (
                select person from person_map
                where site = {site:String} and key >= {first:UInt64} and key <= {last:UInt64}
            )
            where left_at = 0 and verdict = 'exportable'
        )
    )
    order by key
)
