-- Audiences with a member, of those judged just now, who won or lost a key.
select distinct audience from judged where inside and person in (select person from touched_people where cause = 2)
