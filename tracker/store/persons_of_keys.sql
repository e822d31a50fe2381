-- What was brought together for each stored key, for each person: `packed` is an array. Slots: person, gathered, persons.
select /*person*/ as person, groupArrayArray(packed) as packed
from (/*gathered*/) as of_keys /*persons*/
group by person
