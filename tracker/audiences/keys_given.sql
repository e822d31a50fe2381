-- All stored keys of the persons in the attached table `people` (a key a line), as a condition; needs the parameter `site`.
 and key global in (
    select toUInt64(raw) as key from /*table:people*/
    union all
    select key from (select key, argMax(person, version) as person from person_map where site = {site:String} group by key)
    where person in (select toUInt64(raw) from /*table:people*/)
)
