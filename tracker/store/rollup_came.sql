-- Of builds of days that are not over: how many rows there are from before the cut of each, and how many came for the day since.
-- The first are those of all calendar days (UTC) that the day touches, because for them the index alone can say it.
select build, sum(had), sum(came) from (
    /*each*/
)
group by build
settings max_threads = 1
