-- Persons with two different key events in one millisecond are held, too: bit 62 of `codes`, their arrays in the order of time,
-- sequence and arrival. Before, such persons had bit 63 and empty arrays. Rows with both bits only say whom a making found to be
-- of this kind, and are not read. `tied`: how many persons are.
alter table journey_sites /*alone*/ add column if not exists tied UInt64 default 0;
