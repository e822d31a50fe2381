-- One row a person out of the rows of their keys. Slots: person, of_person, of_keys, persons.
select /*person*/ as person, /*of_person*/
from (/*of_keys*/) as of_keys /*persons*/
group by person
