-- In which of some audiences persons are stored as members who may leave the house.
select person as who, groupUniqArray(toString(audience)) as audiences
from members_by_person final
prewhere site = {site:String} and person in {people:Array(UInt64)} and audience in {audiences:Array(String)}
where left_at = 0 and verdict = 'exportable'
group by who
