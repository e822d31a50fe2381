-- Which of the keys that were looked at belong to members who may leave the house, audience by audience.
select audience, groupArray(key) as keys
from touched_owned
inner join (
    select audience, person from members final
    where site = {site:String} and audience in {audiences:Array(String)} and left_at = 0 and verdict = 'exportable'
        and person in (select person from touched_people)
) as inside using (person)
group by audience
