-- A number for every key and person of some keys of a day that has none, after the highest one there is. The keys are asked for
-- twice, because a set of all that have numbers would be as large as the site. Slots: events, persons, person, range.
insert into rollup_numbers (site, key, number)
select {site:String}, key,
    (select max(number) from rollup_numbers where site = {site:String}) + toUInt32(rowNumberInAllBlocks()) + 1
from (
    select key
    from (
        select distinct arrayJoin([key, /*person*/]) as key
        from /*events*/ /*persons*/
        where site = {site:String} and bot = '' and /*range*/
    )
    where key not in (
        select key from rollup_numbers
        where site = {site:String} and key in (
            select arrayJoin([key, /*person*/])
            from /*events*/ /*persons*/
            where site = {site:String} and bot = '' and /*range*/
        )
    )
    order by key
)
