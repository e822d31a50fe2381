"""Days (or hours) on which a figure was not what it usually is. Definitions: `docs/reports.md`.

Robust z-scores by median and median absolute deviation: B. Iglewicz and D. Hoaglin, How to Detect and Handle Outliers,
ASQC 1993, whose limit of 3.5 is the default.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import dropwhile
from statistics import fmean, median
from typing import Any

from tracker.analytics import request, timeseries
from tracker.analytics.request import Range
from tracker.core.errors import BadRequest

LEAST = 4
"""Fewest weeks before, since the figure's first event, for there to be a usual one."""
USUAL = 3.5
"""The score from which a value is unusual, where the request names none."""
_WEEK_MS = 7 * 86_400_000
_OF_MEDIAN = 1.4826  # median absolute deviation -> standard deviation of a normal distribution
_OF_MEAN = 1.2533  # mean absolute deviation -> the same; where more than half of the values are equal


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request. `weeks` before are looked at; a score from `limit` up is unusual."""

    series: timeseries.Spec
    weeks: int
    limit: float


def parse(body: object) -> Spec:
    """Check a request for `timeseries` by day or hour with `weeks` and `score`. Raises BadRequest."""
    given = request.fields(body, (*timeseries.KEYS, "weeks", "score"))
    series = timeseries.parse({name: value for name, value in given.items() if name in timeseries.KEYS})
    if series.interval not in ("hour", "day"):
        raise BadRequest("interval must be hour or day", field="interval")
    score = given.get("score", USUAL)
    if isinstance(score, bool) or not isinstance(score, int | float) or not 1 <= score <= 100:
        raise BadRequest("score must be a number from 1 to 100", field="score")
    return Spec(series=series, weeks=request.whole(given, "weeks", 8, (LEAST, 52)), limit=float(score))


def run(engine: Any, spec: Spec) -> dict[str, Any]:
    """`{"series": [{"start", "value", "usual", "score", "unusual"}]}`: every interval that touches the range."""
    between = spec.series.range
    # A day more: the series begins with the midnight before, and clocks that were changed move it by an hour.
    wide = Range(between.start - spec.weeks * _WEEK_MS - 86_400_000, between.end)
    points = timeseries.run(engine, replace(spec.series, range=wide))["series"]
    asked = {point["start"] for point in timeseries.run(engine, spec.series)["series"]}
    begun = dropwhile(
        lambda point: not point["value"], points[_whole(spec) :]
    )  # before its first event it is no figure
    known = {_local(point["start"]): point["value"] for point in begun}
    return {"series": [_judged(spec, point, known) for point in points if point["start"] in asked]}


def _whole(spec: Spec) -> int:
    """How many points at the beginning may lie in the widened range only partly."""
    return 25 if spec.series.interval == "hour" else 1


def _judged(spec: Spec, point: Mapping[str, Any], known: Mapping[datetime, float]) -> dict[str, Any]:
    then = _local(point["start"])
    before = [known[at] for back in range(1, spec.weeks + 1) if (at := then - timedelta(weeks=back)) in known]
    counts = spec.series.measure != "value"
    return judged(point["start"], point["value"], before, limit=spec.limit, floor=by_chance if counts else None)


def judged(
    start: str, value: float, before: Sequence[float], *, limit: float, floor: Callable[[float], float] | None = None
) -> dict[str, Any]:
    """A point beside those of the weeks before; `floor`: the least that chance alone spreads around their median."""
    enough = len(before) >= LEAST
    score = score_of(value, before, floor) if enough else None
    return {
        "start": start,
        "value": value,
        "usual": median(before) if enough else None,
        "score": score,
        "unusual": score is not None and abs(score) >= limit,
    }


def score_of(value: float, before: Sequence[float], floor: Callable[[float], float] | None = None) -> float | None:
    """How many standard deviations `value` is from the median of `before`; None where those never differ."""
    middle = median(before)
    away = [abs(one - middle) for one in before]
    scale = _OF_MEDIAN * median(away) or _OF_MEAN * fmean(away)
    if floor is not None:
        scale = max(scale, floor(middle))
    if not scale:
        return 0.0 if value == middle else None
    return (value - middle) / scale


def by_chance(middle: float) -> float:
    """What is counted varies by chance at least as a Poisson variable does, whose deviation is the root."""
    return math.sqrt(max(middle, 1.0))


def _local(start: str) -> datetime:
    """The wall clock's time: the same hour of the same weekday a week earlier has it, whatever the clocks did."""
    return datetime.fromisoformat(start).replace(tzinfo=None)
