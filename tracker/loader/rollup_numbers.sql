-- A number for every key and person of some keys of a day that has none, after the highest one there is. The keys are asked for
-- twice, because a set of all that have numbers would be as large as the site. A person's own key may lie outside of the range:
-- `one` has a name of its own, so that the range is that of the events' keys. Slots: events, persons, person, range.
insert into rollup_numbers (site, key, number)
select {site:String}, one,
    (select max(number) from rollup_numbers where site = {site:String}) + toUInt32(rowNumberInAllBlocks()) + 1
from (
    select one
    from (
        select distinct arrayJoin([key, /*person*/]) as one
        from /*events*/ /*persons*/
        where site = {site:String} and bot = '' and /*range*/
    )
    where one not in (
        select key from rollup_numbers
        where site = {site:String} and key in (
            select arrayJoin([key, /*person*/])
            from /*events*/ /*persons*/
            where site = {site:String} and bot = '' and /*range*/
        )
    )
    order by one
)
