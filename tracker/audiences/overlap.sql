-- How many persons are in two audiences, for each pair and for each audience with itself.
select first, second, count() as members
from (
    select arrayJoin(inside) as first, inside
    from (
        select groupUniqArray(toString(audience)) as inside from members final
        where site = {site:String} and audience in {audiences:Array(String)} and left_at = 0
        group by person
    )
)
array join inside as second
where first <= second
group by first, second
