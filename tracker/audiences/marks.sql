-- How far the store is for a site: inserts since one that was seen (0: since the last), with a margin before it, because an
-- insert becomes visible a while after its time was taken; the latest version of identities and of the suppression list.
-- `touched` is sorted by `at`: neither question reads more of it than its end.
with
    ifNull((select at from touched where site = {site:String} order by site desc, at desc limit 1), 0) as newest,
    if({since:UInt64} = 0, newest, {since:UInt64}) as last
select
    (select groupUniqArray(at) from touched where site = {site:String} and at > last - least(last, {late:UInt64})),
    (select max(version) from person_map where site = {site:String}),
    (select max(version) from suppressed where site = {site:String})
