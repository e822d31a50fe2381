-- All events of a person that are on paths, beside its key events, so that paths by event need not bring them together:
-- milliseconds since the site's `since` and the code of the name, in the order that counts. A name's code is its place in the site's
-- `names` and, behind those, `others`. Bit 61 of `codes` says that these two arrays, which are empty then, cannot tell about the
-- person (an event too late, or of a name without a code): ask `events`. `untold`: how many persons these are.
alter table journeys /*alone*/ add column if not exists `path.at` Array(UInt32) codec(T64, LZ4);
alter table journeys /*alone*/ add column if not exists `path.code` Array(UInt8);
alter table journey_sites /*alone*/ add column if not exists others Array(String);
alter table journey_sites /*alone*/ add column if not exists untold UInt64 default 0;

-- Rows made before lack them: everybody is made anew, and until then `events` answers.
truncate table journey_sites /*alone*/;
truncate table journeys /*alone*/;
