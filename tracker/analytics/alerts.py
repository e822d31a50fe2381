"""Whether a figure's last whole interval is beyond a limit, or unusual. Definitions: `docs/reports.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tracker.analytics import anomalies, funnel_figure, request
from tracker.core.errors import BadRequest
from tracker.core.period import rfc3339
from tracker.store.engine import Engine

KEYS = ("event", "funnel", "measure", "interval", "when")
LATE_MS = 600_000
"""How long after its end an interval is looked at: browsers send the last events of a page minutes later."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The interval that was looked at; `kind` is why it fires, "" where it does not."""

    start: str
    kind: str
    value: float
    usual: float | None
    score: float | None


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked alert: a figure as `anomalies` takes it without times, or that of a funnel, and its limits."""

    figure: Mapping[str, Any]
    funnel: funnel_figure.Spec | None
    above: float | None
    below: float | None
    anomaly: Mapping[str, Any] | None


def parse(body: object, site: str, timezone: str) -> Spec:
    """Check `{"event" | "funnel", "measure"?, "interval"?, "when": {"above"? "below"? "anomaly"?: {"score" "weeks"}}}`.

    Raises BadRequest.
    """
    given = request.fields(body, KEYS)
    when = request.fields(given.get("when"), ("above", "below", "anomaly"), "when")
    if not when:
        raise BadRequest("when must have above, below or anomaly", field="when")
    limits = {}
    for name in ("above", "below"):
        limit = when.get(name)
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int | float)):
            raise BadRequest(f"when.{name} must be a number", field=f"when.{name}")
        limits[name] = None if limit is None else float(limit)
    anomaly = when.get("anomaly")
    if anomaly is not None:
        anomaly = dict(request.fields(anomaly, ("score", "weeks"), "when.anomaly"))
    figure = {name: given[name] for name in KEYS[:-1] if given.get(name) is not None}
    figure = {"interval": "day", **figure, "site": site, "timezone": timezone}
    if "funnel" not in figure:
        spec = Spec(figure=figure, funnel=None, anomaly=anomaly, **limits)
        anomalies.parse({**_body(spec), "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"})
        return spec
    if "event" in figure:
        raise BadRequest("an alert watches an event or a funnel, not both", field="event")
    return Spec(figure=figure, funnel=funnel_figure.parse({**figure, **(anomaly or {})}), anomaly=anomaly, **limits)


def last_whole(spec: Spec, now_ms: int) -> tuple[datetime, datetime]:
    """Start and end of the last interval of the site's calendar that ended at least `LATE_MS` ago.

    That of a funnel: whose last window ended so long ago.
    """
    zone = ZoneInfo(str(spec.figure["timezone"]))
    late = LATE_MS + (spec.funnel.funnel.window if spec.funnel else 0)
    then = datetime.fromtimestamp((now_ms - late) / 1000, UTC)
    if spec.figure["interval"] == "hour":
        local = then.astimezone(zone)
        end = then - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return (end - timedelta(hours=1)).astimezone(zone), end.astimezone(zone)
    today = then.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=1), today


def run(engine: Engine, spec: Spec, now_ms: int) -> Verdict:
    """Look at the last whole interval."""
    point = _point(engine, spec, now_ms)
    value, kind = point["value"], ""
    if value is None:
        kind, value = "", 0.0
    elif spec.above is not None and value > spec.above:
        kind = "above"
    elif spec.below is not None and value < spec.below:
        kind = "below"
    elif spec.anomaly is not None and point["unusual"]:
        kind = "anomaly"
    return Verdict(start=point["start"], kind=kind, value=value, usual=point["usual"], score=point["score"])


def _point(engine: Engine, spec: Spec, now_ms: int) -> dict[str, Any]:
    start, end = last_whole(spec, now_ms)
    if spec.funnel is not None:
        return funnel_figure.run(engine, spec.funnel, start, end, usual=spec.anomaly is not None)
    times = {"from": rfc3339(round(start.timestamp() * 1000)), "to": rfc3339(round(end.timestamp() * 1000))}
    [point] = anomalies.run(engine, anomalies.parse({**_body(spec), **times}))["series"]
    return dict(point)


def _body(spec: Spec) -> dict[str, Any]:
    return {**spec.figure, **(spec.anomaly or {})}
