-- Keys of persons who have several, and whose they are as of now; a person's own key is one of them. FINAL keeps the table's
-- order, in which keys are found near each other.
with owned as (select key, if(owner = 0, key, owner) as person
    from (select key, person as owner from person_map final where site = {site:String}))
select key, person from owned
union all
select distinct person as key, person from owned where person not in (select key from owned)
