"""Where reports read events from: exactly one row an event, at every moment.

The loader repeats an insert whose outcome it does not know. Until the partitions it touched are merged down to one row
an event they are listed in `doubts`, and reports read with FINAL; otherwise the plain table is exact and cheaper.
"""

from __future__ import annotations

from tracker.store.among import Among, segment_of
from tracker.store.engine import Engine, Query
from tracker.store.sql import Fragment

_OPEN = Query(text="select count() from (select argMax(open, version) as last from doubts group by month) where last")


def events_source(engine: Engine) -> Fragment:
    """What to put into the slot `/*events*/`. One look-up of about a millisecond.

    Through `Among` it is a subquery: the events of a segment's persons, deduplicated like all others.
    """
    whole = "events final" if engine.ask(_OPEN).rows[0][0] else "events"
    return Fragment(segment_of(whole, others=engine.others) if isinstance(engine, Among) else whole)
