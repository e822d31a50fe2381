-- Which of the keys of a share belong to members who may leave the house, audience by audience.
select audience, groupArray(key) as keys
from touched_owned
inner join (
    select audience, person from judged
    where audience in {audiences:Array(String)} and inside and verdict = 'exportable'
) as inside using (person)
where person % {shares:UInt64} = {share:UInt64}
group by audience
