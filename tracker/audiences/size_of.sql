-- How large audiences are now.
select audience, count() as members, countIf(verdict = 'exportable') as exportable
from members final
where site = {site:String} and audience in {audiences:Array(String)} and left_at = 0
group by audience
