"""A funnel as a figure that alerts watch: who began in an hour or day, who converted, and the share.

An interval is looked at when the window of everybody who began in it is over, so each is as complete as those before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import dropwhile
from typing import Any
from zoneinfo import ZoneInfo

from tracker.analytics import anomalies, funnel, funnel_spec, request
from tracker.analytics.funnel_spec import Funnel
from tracker.analytics.request import Range
from tracker.core.errors import BadRequest
from tracker.store.engine import Engine

MEASURES = ("conversion", "converted", "entered")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked figure; the funnel's range is replaced by that of an interval. `weeks` and `limit`: see `anomalies`."""

    funnel: Funnel
    measure: str
    interval: str
    timezone: str
    weeks: int
    limit: float


def parse(body: Mapping[str, Any]) -> Spec:
    """Check `{"site", "timezone", "funnel", "measure", "interval", "weeks", "score"}`. Raises BadRequest.

    The funnel has no site, times and breakdown of its own.
    """
    own = ("steps", "mode", "window", "count_by", "exclude")
    given = request.fields(body.get("funnel"), own, "funnel")
    asked = funnel_spec.parse(
        {**given, "site": body["site"], "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}, "funnel."
    )
    score = body.get("score", anomalies.USUAL)
    if isinstance(score, bool) or not isinstance(score, int | float) or not 1 <= score <= 100:
        raise BadRequest("score must be a number from 1 to 100", field="score")
    return Spec(
        funnel=asked,
        measure=request.choice(body, "measure", MEASURES, "conversion"),
        interval=request.choice(body, "interval", ("hour", "day"), "day"),
        timezone=request.timezone(body),
        weeks=request.whole(body, "weeks", 8, (anomalies.LEAST, 52)),
        limit=float(score),
    )


def run(engine: Engine, spec: Spec, start: datetime, end: datetime, *, usual: bool) -> dict[str, Any]:
    """The point of the interval [`start`, `end`), with what is `usual` where that is asked for.

    A conversion of nobody is no figure: its `value` is None.
    """
    value, entered = _value(engine, spec, start, end)
    if value is None or not usual:
        return {"start": start.isoformat(), "value": value, "usual": None, "score": None, "unusual": False}
    weeks = [timedelta(weeks=back) for back in range(spec.weeks, 0, -1)]
    zone = ZoneInfo(spec.timezone)
    points = [_value(engine, spec, _earlier(start, one, zone), _earlier(end, one, zone)) for one in weeks]
    begun = dropwhile(lambda point: not point[1], points)  # before anybody entered it is no figure
    before = [one for one, _ in begun if one is not None]

    def floor(middle: float) -> float:
        if spec.measure != "conversion":
            return anomalies.by_chance(middle)
        share = (middle * entered + 1) / (entered + 2)  # of so few people a share varies by chance (Laplace)
        return math.sqrt(share * (1 - share) / entered)

    return anomalies.judged(start.isoformat(), value, before, limit=spec.limit, floor=floor)


def _value(engine: Engine, spec: Spec, start: datetime, end: datetime) -> tuple[float | None, int]:
    """The figure of one interval, and how many entered."""
    between = Range(round(start.timestamp() * 1000), round(end.timestamp() * 1000))
    if between.end <= between.start:  # the clocks left this hour out
        return None, 0
    steps = funnel.run(engine, replace(spec.funnel, range=between))["steps"]
    entered, converted = steps[0]["count"], steps[-1]["count"]
    if spec.measure == "conversion":
        return (converted / entered if entered else None), entered
    return float(converted if spec.measure == "converted" else entered), entered


def _earlier(then: datetime, back: timedelta, zone: ZoneInfo) -> datetime:
    """The same time on the wall's clock, so long before."""
    return (then.astimezone(zone).replace(tzinfo=None) - back).replace(tzinfo=zone)
