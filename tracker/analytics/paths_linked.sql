-- Of the keys in `slice`, those of persons with several keys, and whose they are now; a person's own key is one of them.
select if(owners.person = 0, key, owners.person) as person, packed
from slice
any left join (select key, person from owned where key between {slice_from:UInt64} and {slice_to:UInt64}) as owners
    using (key)
where key in (select key from links where key between {slice_from:UInt64} and {slice_to:UInt64})
