-- A time that ran out is looked up by the next refresh, a day later at most, when everybody is judged anyhow. Rows older than
-- seven days are of no use to anybody.
alter table expiring modify ttl toDateTime(intDiv(at, 1000)) + interval 7 day;
