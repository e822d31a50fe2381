"""Alerts in words, and the alert of a form. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from dashboard import formats
from dashboard.client import Json

MEASURES = {"events": "How often it happens", "people": "How many people do it", "value": "The value of it"}
INTERVALS = {"day": "a day", "hour": "an hour"}
KINDS = {"below": "falls below a number", "above": "rises above a number", "anomaly": "is unusual"}
SCORES = {5.0: "only what is very unusual", 3.5: "what is unusual", 2.5: "also what is a little unusual"}


class Fields(NamedTuple):
    """What the form has a field for."""

    event: str
    measure: str
    interval: str
    kind: str
    limit: float


def fields(alert: Json) -> Fields | None:
    """The alert as the form's fields say it; None where it holds more than they can (filters, two limits, weeks)."""
    when = {name: limit for name, limit in (alert.get("when") or {}).items() if limit is not None}
    if len(when) != 1:
        return None
    [(kind, limit)] = when.items()
    if kind == "anomaly":
        limit = {"score": 3.5, **limit}["score"] if set(limit) <= {"score"} else None
        if limit not in SCORES:
            return None
    event = alert.get("event") or {"event": "*"}
    found = Fields(
        str(event.get("event")),
        str(alert.get("measure", "events")),
        str(alert.get("interval", "day")),
        str(kind),
        float(limit),
    )
    known = found.measure in MEASURES and found.interval in INTERVALS and found.kind in KINDS
    return found if known and set(event) == {"event"} else None


def made(event: str, measure: str, interval: str, kind: str, limit: float) -> Json:
    """The alert as the API takes it; `limit` is the number, or the score where what is unusual is looked for."""
    when: Json = {"anomaly": {"score": limit}} if kind == "anomaly" else {kind: limit}
    return {"event": {"event": event}, "measure": measure, "interval": interval, "when": when}


def summary(alert: Json) -> str:
    """`People with “Purchase” a day below 5 or unusual`."""
    when = alert.get("when") or {}
    said = [f"{name} {formats.number(when[name])}" for name in ("below", "above") if when.get(name) is not None]
    if when.get("anomaly") is not None:
        said.append("unusual")
    return f"{figure(alert)}: {formats.listing(said)}"


def figure(alert: Json) -> str:
    """What is watched: `“Purchase” a day`."""
    name = formats.event_title(str((alert.get("event") or {}).get("event", "*")))
    what = {"people": "People with ", "value": "Value of "}.get(str(alert.get("measure")), "")
    return f"{what}“{name}” {INTERVALS.get(str(alert.get('interval', 'day')), '')}".strip()


def fired(row: Json) -> str:
    """Why it fired: `3, below the limit` or `212, usually 80`."""
    value = formats.number(row["value"])
    words = {"below": "below the limit", "above": "above the limit"}
    if row["kind"] in words:
        return f"{value}, {words[row['kind']]}"
    usual = _rounded(row.get("usual"))
    return f"{value}, usually {usual}" if usual else f"{value}, unusual"


def _rounded(value: Any) -> str:
    return "" if value is None else formats.number(round(float(value)) if abs(value) >= 10 else round(float(value), 2))
