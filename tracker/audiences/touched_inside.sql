-- Which of the keys that were looked at belong to members who may leave the house, audience by audience.
select audience, groupArray(key) as keys
from touched_owned
inner join (
    select audience, person from judged
    where audience in {audiences:Array(String)} and inside and verdict = 'exportable'
) as inside using (person)
group by audience
