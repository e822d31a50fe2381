"""What keeping the journey table may cost: no more than a quarter of loading the events that came.

Counted in events that pay for it: loading one takes collector and loader 16 us, a quarter of which is 4 us. What a
making takes was measured (`docs/decisions/journeys.md`, `tests/bench/bench_upkeep.py`).
"""

from __future__ import annotations

from math import ceil

from tracker.store.engine import Engine, Query
from tracker.store.journeys import Held

ONCE, HELD, MADE = 30_000, 0.15, 2.0
"""Of making changed persons: some thirty statements, going through the table and the events of each person in it,
reading and writing for each one made."""
ANEW = 0.12
"""Of making everybody, for each event of the site."""
KEPT_BACK = 0.3
"""The part of what came that is left for making everybody."""

_CAME = """
select sum(amount) from touched_slots
where site = {site:String} and toUnixTimestamp(at) >= intDiv({from:UInt64}, 1000000000)
"""


def earned(engine: Engine, state: Held) -> int:
    """How many events came since what came is counted."""
    [(came,)] = engine.ask(Query(text=_CAME, params={"site": state.site, "from": state.paid or state.made})).rows
    return int(came)


def of_some(state: Held, keys: int) -> int:
    """Of making the persons behind so many keys."""
    return round(ONCE + HELD * state.units + MADE * keys)


def for_some(state: Held, keys: int) -> int:
    """How many events must have come to pay for making the persons behind so many keys."""
    return ceil((of_some(state, keys) + state.spent) / (1 - KEPT_BACK))


def for_all(state: Held, events: int) -> int:
    """How many events must have come to pay for making everybody of a site with so many events."""
    return ceil(state.spent + ANEW * events)


def owed(engine: Engine, state: Held, events: int) -> int:
    """What is owed once everybody was made because it paid; what is left over then is given up."""
    return max(0, round(state.spent + ANEW * events) - earned(engine, state))
