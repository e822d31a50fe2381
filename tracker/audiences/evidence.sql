-- What speaks for the conditions of a rule in the events of one person: of each, how many events, the first and the last of
-- them (ms), and the value of a property. Slots: evidence, events, theirs.
select [/*evidence*/] as found
from /*events*/
where site = {site:String} and bot = '' and key in /*theirs*/
