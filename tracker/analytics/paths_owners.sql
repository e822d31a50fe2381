-- What was brought together for each stored key, and whose it is; 0: the key's own, and there is no other. Slots: gathered, range.
select key, packed, links.person as owner
from (/*gathered*/) as of_keys any left join (select key, person from links where /*range*/) as links using (key)
