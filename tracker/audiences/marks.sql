-- How far the store is for a site: inserts since one that was seen (0: since the last), with a margin before it, because an
-- insert becomes visible a while after its time was taken; the latest version of identities and of the suppression list.
with if({since:UInt64} = 0, (select max(at) from touched where site = {site:String}), {since:UInt64}) as last
select
    (select groupUniqArray(at) from touched where site = {site:String} and at + {late:UInt64} > last),
    (select max(version) from person_map where site = {site:String}),
    (select max(version) from suppressed where site = {site:String})
