"""The store's own clock, of which the times of inserts are, and how long what has been replaced is still kept."""

from __future__ import annotations

from tracker.store.engine import Engine, Query

LAST_READERS = 600_000_000_000
"""For so long a question that has just begun may still read what has been replaced, in nanoseconds."""


def now(engine: Engine) -> int:
    """In nanoseconds."""
    return int(engine.ask(Query(text="select toUInt64(toUnixTimestamp64Nano(now64(9)))")).rows[0][0])
