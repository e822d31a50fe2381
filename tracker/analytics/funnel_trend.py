"""A funnel day by day, week by week or month by month. Definitions: `docs/reports.md`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tracker.analytics import funnel, funnel_spec, request
from tracker.analytics.calendar import PERIODS, WEEK_STARTS, Calendar, calendar
from tracker.analytics.funnel_spec import Funnel
from tracker.analytics.request import Range
from tracker.store.engine import Engine

MAX_INTERVALS = 100
"""Each interval is a funnel of its own: one query or two."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request."""

    funnel: Funnel
    calendar: Calendar


def parse(body: object) -> Spec:
    """Check a funnel (flat, or as `funnel`) with `interval`, `week_start` and `timezone`. Raises BadRequest."""
    asked, _, given = funnel_spec.parse_with(body, ("interval", "week_start", "timezone"))
    return Spec(
        funnel=asked,
        calendar=calendar(
            asked.range,
            request.choice(given, "interval", PERIODS, "day"),
            timezone=request.timezone(given),
            week_start=request.choice(given, "week_start", WEEK_STARTS, "monday"),
            most=MAX_INTERVALS,
            field="interval",
        ),
    )


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"series": [{"start", "entered", "converted", "conversion", "steps", "breakdown"?}]}`, empty intervals too."""
    return {"series": [_point(engine, spec, at) for at in range(len(spec.calendar.starts))]}


def _point(engine: Engine, spec: Spec, at: int) -> dict[str, Any]:
    whole, bounds = spec.funnel.range, spec.calendar.bounds(at)
    inside = Range(max(whole.start, bounds.start), min(whole.end, bounds.end))
    answer = funnel.run(engine, replace(spec.funnel, range=inside))
    last = answer["steps"][-1]
    return {
        "start": spec.calendar.starts[at].isoformat(),
        "entered": answer["steps"][0]["count"],
        "converted": last["count"],
        "conversion": last["from_first"],
        **answer,
    }
