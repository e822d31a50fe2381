"""Alerts in words, and the alert of a form. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from dashboard import formats, questions
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
    """What the form has a field for. `where`: filters of the event, or of every step of the funnel, as the API's."""

    event: str
    measure: str
    interval: str
    kind: str
    limit: float
    funnel: Json | None = None
    where: tuple[Json, ...] = ()

    @property
    def is_share(self) -> bool:
        """Whether the figure is a share 0..1."""
        return self.funnel is not None and self.measure == "conversion"


def watched(funnel: Json) -> Json:
    """The parts of a saved funnel that an alert knows."""
    return {name: funnel[name] for name in ("steps", "mode", "window", "count_by", "exclude") if name in funnel}


def split(funnel: Json) -> tuple[Json, tuple[Json, ...]]:
    """The funnel without the filters that all of its steps have, and these."""
    first, *rest = [condition.get("where") or [] for step in funnel["steps"] for condition in _conditions(step)]
    common = [one for one in first if one.get("op") in questions.OPERATORS and all(one in other for other in rest)]
    return _changed(funnel, lambda where: [one for one in where if one not in common]), _plain(common)


def narrowed(funnel: Json, where: tuple[Json, ...]) -> Json:
    """The funnel with these filters on each of its steps."""
    return _changed(funnel, lambda own: [*own, *(one for one in where if one not in own)]) if where else funnel


def _conditions(step: Json) -> list[Json]:
    return step.get("any_of") or [step]


def _changed(funnel: Json, change: Callable[[list[Json]], list[Json]]) -> Json:
    def step(one: Json) -> Json:
        if one.get("any_of"):
            return {**one, "any_of": [step(each) for each in one["any_of"]]}
        where = change(one.get("where") or [])
        return {name: value for name, value in one.items() if name != "where"} | ({"where": where} if where else {})

    return {**funnel, "steps": [step(one) for one in funnel["steps"]]}


def _plain(where: list[Json]) -> tuple[Json, ...]:
    """Filters as the form gives them back: values are texts, or numbers where they are compared."""
    return tuple(questions.filter_spec(row) for row in questions.filters_of({"where": where}))


def fields(alert: Json) -> Fields | None:
    """The alert as the form's fields say it; None where it holds more than they can (two limits, weeks)."""
    when = {name: limit for name, limit in (alert.get("when") or {}).items() if limit is not None}
    if len(when) != 1:
        return None
    [(kind, limit)] = when.items()
    if kind == "anomaly":
        limit = {"score": 3.5, **limit}["score"] if set(limit) <= {"score"} else None
        if limit not in SCORES:
            return None
    funnel = alert.get("funnel")
    event: Json = {"event": ""} if funnel else alert.get("event") or {"event": "*"}
    rows = list(event.get("where") or [])
    if any(row.get("op") not in questions.OPERATORS or row.keys() - {"property", "op", "value"} for row in rows):
        return None
    where = _plain(rows)
    if funnel:
        funnel, where = split(funnel)
    found = Fields(
        str(event.get("event")),
        str(alert.get("measure", "conversion" if funnel else "events")),
        str(alert.get("interval", "day")),
        str(kind),
        float(limit),
        funnel,
        where,
    )
    measures = FUNNEL_MEASURES if funnel else MEASURES
    known = found.measure in measures and found.interval in INTERVALS and found.kind in KINDS
    return found if known and set(event) <= {"event", "where"} else None


def made(fields: Fields) -> Json:
    """The alert as the API takes it; `limit` is the number, or the score where what is unusual is looked for."""
    when: Json = {"anomaly": {"score": fields.limit}} if fields.kind == "anomaly" else {fields.kind: fields.limit}
    if fields.funnel is not None:
        about: Json = {"funnel": narrowed(fields.funnel, fields.where)}
    else:
        about = {"event": {"event": fields.event} | ({"where": list(fields.where)} if fields.where else {})}
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
    event = alert.get("event") or {}
    name = formats.event_title(str(event.get("event", "*")))
    what = {"people": "People with ", "value": "Value of "}.get(str(alert.get("measure")), "")
    said = f"{what}“{name}” {INTERVALS.get(str(alert.get('interval', 'day')), '')}".strip()
    return said + _only(event.get("where") or [])


def _only(where: Sequence[Json]) -> str:
    return f" where {' and '.join(questions.filter_text(one) for one in where)}" if where else ""


def _funnel(alert: Json) -> str:
    steps = alert["funnel"]["steps"]
    first, last = (formats.event_title(_step_name(step)) for step in (steps[0], steps[-1]))
    what = {"converted": "People who got", "entered": "People who began"}.get(str(alert.get("measure")), "Conversion")
    within = formats.window_text(str(alert["funnel"].get("window") or "14d"))
    interval = INTERVALS.get(str(alert.get("interval", "day")), "")
    return f"{what} {interval} from “{first}” to “{last}” within {within}{_only(split(alert['funnel'])[1])}"


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
