-- The events of a share of them, with as many columns as the rules ask for. They stand under a site of their own, which has no `person_map`:
-- `key` is the person already. Slots: columns, events.
insert into touched_events (site, key, own/*columns*/)
select {apart:String}, persons.person, key/*columns*/
from /*events*/
global any left join touched_owned as persons using (key)
where site = {site:String}
    and key global in (select key from touched_owned where person % {shares:UInt64} = {share:UInt64})
