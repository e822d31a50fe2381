-- Of few persons: whose identity has changed.
select person from touched_people where cause = 2
