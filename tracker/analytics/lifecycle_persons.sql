-- One row a person out of the rows of their keys. Slots: person, periods, of_keys, persons.
select /*person*/ as person, min(of_keys.began) as began, /*periods*/ as periods
from (/*of_keys*/) as of_keys /*persons*/
group by person
