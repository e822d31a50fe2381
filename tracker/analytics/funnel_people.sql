-- How many units reached a step or dropped there, and one page of them: latest moment at the step first, then by key.
-- Slots: members, after.
select count() as total, groupArraySortedIf({take:UInt32})((-toInt64(at_ms), unit), /*after*/) as page
from (/*members*/)
