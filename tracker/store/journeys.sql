-- Every month with its state and how it was made for a site.
select months.month as month, state, changed, made, lanes.1 as names, lanes.2 as counts, lanes.3 as others,
    lanes.4 as countries, lanes.5 as devices, lanes.6 as channels, lanes.7 as crowded, lanes.8 as uneven, lanes.9 as persons
from (
    select month, argMax(state, version) as state, max(version) as changed from journey_months group by month
) as months
left join (
    select month, max(version) as made,
        argMax((names, counts, others, countries, devices, channels, crowded, uneven, persons), version) as lanes
    from journey_lanes where site = {site:String}
    group by month
) as made using (month)
order by months.month
