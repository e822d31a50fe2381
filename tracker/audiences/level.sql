-- Stays that are in the order of persons already and may lack in that of audiences, after a crash between the two.
insert into members (
    site, audience, person, entered, entered_by, left_at, left_by, verdict, granted, arm, armed, version
)
select site, audience, person, entered, entered_by, left_at, left_by, verdict, granted, arm, armed, version
from members_by_person
where version >= (select max(version) from members)
