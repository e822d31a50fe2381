-- All stored keys of the persons that a rule finds, whatever their consent: for reports, which let nobody leave the house.
-- Slots: person, events, persons, rule.
select arraySlice(groupArrayArray(theirs), 1, {most:UInt64}) as keys
from (
    select groupUniqArray(key) as theirs, /*person*/ as who
    from /*events*/ /*persons*/
    where site = {site:String}
    group by who
    having countIf(bot = '') > 0 and (/*rule*/)
)
