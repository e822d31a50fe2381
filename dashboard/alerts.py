"""Alerts in words, and the alert of a form. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from dashboard import formats
from dashboard.client import Json

MEASURES = {"events": "How often it happens", "people": "How many people do it", "value": "The value of it"}
FUNNEL_MEASURES = {
    "conversion": "The share that finishes",
    "converted": "How many finish",
    "entered": "How many start",
}
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
    funnel: Json | None = None

    @property
    def is_share(self) -> bool:
        """Whether the figure is a share 0..1."""
        return self.funnel is not None and self.measure == "conversion"


def watched(funnel: Json) -> Json:
    """The parts of a saved funnel that an alert knows."""
    return {name: funnel[name] for name in ("steps", "mode", "window", "count_by", "exclude") if name in funnel}


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
    funnel = alert.get("funnel")
    event = {"event": ""} if funnel else alert.get("event") or {"event": "*"}
    found = Fields(
        str(event.get("event")),
        str(alert.get("measure", "conversion" if funnel else "events")),
        str(alert.get("interval", "day")),
        str(kind),
        float(limit),
        funnel,
    )
    measures = FUNNEL_MEASURES if funnel else MEASURES
    known = found.measure in measures and found.interval in INTERVALS and found.kind in KINDS
    return found if known and set(event) == {"event"} else None


def made(fields: Fields) -> Json:
    """The alert as the API takes it; `limit` is the number, or the score where what is unusual is looked for."""
    when: Json = {"anomaly": {"score": fields.limit}} if fields.kind == "anomaly" else {fields.kind: fields.limit}
    about: Json = {"event": {"event": fields.event}} if fields.funnel is None else {"funnel": fields.funnel}
    return {**about, "measure": fields.measure, "interval": fields.interval, "when": when}


def summary(alert: Json) -> str:
    """`People with “Purchase” a day below 5 or unusual`."""
    when = alert.get("when") or {}
    said = [f"{name} {_figure(when[name], alert)}" for name in ("below", "above") if when.get(name) is not None]
    if when.get("anomaly") is not None:
        said.append("unusual")
    return f"{figure(alert)}: {formats.listing(said)}"


def figure(alert: Json) -> str:
    """What is watched: `“Purchase” a day`, `Conversion a day from “View item” to “Purchase” within 1 day`."""
    if alert.get("funnel"):
        return _funnel(alert)
    name = formats.event_title(str((alert.get("event") or {}).get("event", "*")))
    what = {"people": "People with ", "value": "Value of "}.get(str(alert.get("measure")), "")
    return f"{what}“{name}” {INTERVALS.get(str(alert.get('interval', 'day')), '')}".strip()


def _funnel(alert: Json) -> str:
    steps = alert["funnel"]["steps"]
    first, last = (formats.event_title(_step_name(step)) for step in (steps[0], steps[-1]))
    what = {"converted": "People who got", "entered": "People who began"}.get(str(alert.get("measure")), "Conversion")
    within = formats.window_text(str(alert["funnel"].get("window") or "14d"))
    interval = INTERVALS.get(str(alert.get("interval", "day")), "")
    return f"{what} {interval} from “{first}” to “{last}” within {within}"


def _step_name(step: Json) -> str:
    return str(step.get("name") or step.get("event") or (step.get("any_of") or [{}])[0].get("event", ""))


def _figure(value: float, alert: Json) -> str:
    """A value of what an alert watches."""
    is_share = bool(alert.get("funnel")) and alert.get("measure", "conversion") == "conversion"
    return formats.percent(value) if is_share else formats.number(value)


def fired(row: Json, alert: Json) -> str:
    """Why it fired: `3, below the limit` or `212, usually 80`."""
    value = _figure(row["value"], alert)
    words = {"below": "below the limit", "above": "above the limit"}
    if row["kind"] in words:
        return f"{value}, {words[row['kind']]}"
    usual = row.get("usual")
    usual = _figure(usual, alert) if usual is not None and value.endswith("%") else _rounded(usual)
    return f"{value}, usually {usual}" if usual else f"{value}, unusual"


def _rounded(value: Any) -> str:
    return "" if value is None else formats.number(round(float(value)) if abs(value) >= 10 else round(float(value), 2))
