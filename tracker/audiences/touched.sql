-- Whose answer may have changed since an audience was judged last: persons of keys with new events (1), persons who won or
-- lost a key (2), whose place on the suppression list changed (3), for whom a time ran out (4). A key that went over to
-- another person belonged to itself, or to a user that it was seen with, or to the person of such a user.
select now as person, min(cause) as cause
from (
    select key, argMax(person, version) as person from person_map where site = {site:String} group by key
) as mapped
any right join (
    select arrayJoin([key, own]) as key, cause
    from (
        select key, key as own, 1 as cause from touched where site = {site:String} and at in {blocks:Array(UInt64)}
        union all
        select key, person as own, 2 as cause from person_map where site = {site:String} and version > {moved:UInt64}
    )
) as found using (key)
