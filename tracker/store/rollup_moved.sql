-- Visits that another channel has brought, as is known since their build, with all that the build has of them.
select went.build as build, went.day as day, went.visit as visit, went.was as was, went.entry as entry,
    kept.bought as bought, kept.amounts as amounts,
    if(went.had = 0, kept.others, arrayPushFront(kept.others, went.had)) as numbers
from (select build, day, visit, was, entry, had from went where build != 0 and was != entry) as went
any left join (
    select build, visit, bought, amounts, others
    from rollup_visits
    where build in {open_builds:Array(UInt64)} and more != 0 and visit in (select visit from went where build != 0 and was != entry)
) as kept on kept.build = went.build and kept.visit = went.visit
