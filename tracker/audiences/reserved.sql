-- In which of some audiences persons are stored as members who may leave the house.
select person as who, groupUniqArray(toString(audience)) as audiences
from members final
where site = {site:String} and audience in {audiences:Array(String)} and left_at = 0 and verdict = 'exportable'
    and person in {people:Array(UInt64)}
group by who
