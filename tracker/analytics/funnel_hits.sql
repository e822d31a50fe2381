-- The events that matter to a funnel, brought together: one row a unit (person, visitor or session; with `all` touch,
-- one a unit and value). `packed` holds a number an event that sorts by time, sequence number and arrival and ends in
-- what the event can serve. Slots: unit, extra, packed, events, persons, counted, chosen, relevant, also.
select /*unit*/ as unit, groupArray(/*packed*/) as packed/*extra*/
from /*events*/ /*persons*/
where site = {site:String} and /*counted*/ and /*chosen*/
    and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts <= fromUnixTimestamp64Milli({until:Int64})
    and (/*relevant*/)
group by unit/*also*/
