-- Every name that some persons go by: what the identifier vault and the suppression list know them as.
-- Slots: person, events, persons, theirs.
select
    /*person*/ as who,
    groupUniqArrayIf(user, user != '') as users,
    groupUniqArrayIf(visitor, visitor != '') as visitors
from /*events*/ /*persons*/
where site = {site:String} and key in /*theirs*/
group by who
