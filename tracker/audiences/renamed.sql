-- Audiences with a member who won or lost a key.
select distinct audience from members final
where site = {site:String} and audience in {audiences:Array(String)} and left_at = 0
    and person in (select person from touched_people where cause = 2)
