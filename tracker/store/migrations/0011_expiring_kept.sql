-- A time that ran out is looked up by the next refresh, a day later at most, when everybody is judged anyhow. Rows older than
-- seven days are of no use to anybody. Parts from before lose theirs when they are merged.
alter table expiring modify ttl toDateTime(intDiv(at, 1000)) + interval 7 day settings materialize_ttl_after_modify = 0;
