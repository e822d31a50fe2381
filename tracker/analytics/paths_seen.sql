-- What names nodes. Slots: name, events, among, once.
select /*name*/
from /*events*/
where site = {site:String} and /*among*/
/*once*/
