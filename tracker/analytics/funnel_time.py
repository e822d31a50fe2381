"""How long a funnel takes from one step to another, as a histogram. Definitions: `docs/reports.md`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracker.analytics import funnel_spec, request
from tracker.analytics.funnel_attempts import attempts
from tracker.analytics.funnel_spec import Funnel
from tracker.core.errors import BadRequest
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.sql import fill, load

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
EDGES = (
    *(0, 1, 2, 5, 10, 20, 30),
    *(_MINUTE * count for count in (1, 2, 5, 10, 20, 30)),
    *(_HOUR * count for count in (1, 2, 4, 8, 12)),
    *(_DAY * count for count in (1, 2, 3, 5, 7, 14, 30, 60, 90, 180, 366)),
)
"""Where bins begin, in seconds; waits span many orders of magnitude, even bins would hold nearly everybody in one."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request."""

    funnel: Funnel
    from_step: int
    to_step: int


def parse(body: object) -> Spec:
    """Check a funnel (flat, or as `funnel`) with `from_step` and `to_step`, the first and the last without.

    Raises BadRequest.
    """
    funnel, path, given = funnel_spec.parse_with(body, ("from_step", "to_step"))
    if funnel.breakdown is not None:
        raise BadRequest("a histogram has no breakdown; filter the steps instead", field=f"{path}breakdown")
    last = request.whole(given, "to_step", len(funnel.steps), (2, len(funnel.steps)))
    first = request.whole(given, "from_step", 1, (1, last - 1))
    return Spec(funnel=funnel, from_step=first, to_step=last)


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"from_step", "to_step", "count", "seconds": {"average", "median"}, "bins": [{"from", "to", "count"}]}`.

    Seconds; a bin holds what is at least `from` and less than `to`. Bins go on from 0 to the last that holds anybody.
    """
    query = fill(
        load(__package__, "funnel_time"),
        {"attempts": attempts(engine, spec.funnel, events_source(engine))},
        {"from_step": spec.from_step, "to_step": spec.to_step, "edges": [edge * 1000 for edge in EDGES]},
    )
    count, average, median, (numbers, people) = engine.ask(query).rows[0]
    found = dict(zip(numbers, people, strict=True))
    return {
        "from_step": spec.from_step,
        "to_step": spec.to_step,
        "count": count,
        "seconds": {
            "average": None if average is None else average / 1000,
            "median": None if median is None else median / 1000,
        },
        "bins": [
            {"from": EDGES[at - 1], "to": EDGES[at] if at < len(EDGES) else None, "count": found.get(at, 0)}
            for at in range(1, max(found, default=0) + 1)
        ],
    }
