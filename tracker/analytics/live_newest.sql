-- When the newest event happened, and how many persons were active in the last five minutes. Slots: events, persons, person.
select toUnixTimestamp64Milli(max(ts)) as newest,
    uniqExactIf(/*person*/, ts >= now64(3) - interval 5 minute) as active
from /*events*/ /*persons*/
where site = {site:String} and bot = ''
    and ts >= (select max(ts) from /*events*/ where site = {site:String} and bot = '') - interval 5 minute
