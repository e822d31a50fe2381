-- Every visitor and user id that is one of these keys.
select distinct kind, name
from (
    select 'user' as kind, user as name
    from events
    where site = {site:String} and user != '' and key in {keys:Array(UInt64)}
    union all
    select 'visitor', visitor
    from events
    where site = {site:String} and visitor != '' and xxHash64(concat('v:', visitor)) in {keys:Array(UInt64)}
    union all
    select 'visitor', source
    from identity_links
    where site = {site:String} and kind = 'identify' and xxHash64(concat('v:', source)) in {keys:Array(UInt64)}
    union all
    select 'user', source
    from identity_links
    where site = {site:String} and kind = 'alias' and xxHash64(concat('u:', source)) in {keys:Array(UInt64)}
    union all
    select 'user', target
    from identity_links
    where site = {site:String} and xxHash64(concat('u:', target)) in {keys:Array(UInt64)}
)
order by kind, name
