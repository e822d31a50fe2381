-- Which of some keys of a day belong to somebody else: should one move on, the day must be built again. Slots: events, persons,
-- person, range.
insert into rollup_pieces (build, kind, entry, events, people)
select {build:UInt64}, 'mapped', '', count(), groupBitmapState(number)
from (
    select key, any(number) as number
    from rollup_numbers
    where site = {site:String} and key in (
        select key
        from /*events*/ /*persons*/
        where site = {site:String} and bot = '' and /*person*/ != key and /*range*/
    )
    group by key
)
having count() > 0
