-- Keys of all visitors and users of the members who may leave the house, a range of them, sorted. Slot: verdicts.
select distinct arrayJoin(arrayPushFront(others, who)) as key
from (select who from (/*verdicts*/) where verdict = 'exportable') as members
any left join (
    select person as who, groupArray(key) as others
    from (select key, argMax(person, version) as person from person_map where site = {site:String} group by key)
    group by who
) as mapped using (who)
where key >= {first:UInt64} and key <= {last:UInt64}
order by key
