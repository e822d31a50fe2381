"""The rule language of audiences, checked. `compile.py` turns rules into SQL.

    {"all": [R..]}  {"any": [R..]}  {"not": R}
    {"did": {"event", "where"?, "count"?: {"gte"|"lte"|"eq": n}, "within"?: "14d" | {"from", "to"},
             "value"?: {"sum": "value" | "props.x", "gte"|"lte"|"eq": n}}}
    {"dropped": {"funnel": {"steps", "window"?, "mode"?, "exclude"?}, "after_step": k, "within": .., "wait"?: "1h"}}
    {"sequence": {"steps", "window"?, "within": ..}}
    {"property": {"property", "op", "value"?, "touch"?: "first" | "last"}}
    {"answered": {"survey", "score"?: {"gte"|"lte"|"eq": n}, "within"?}}
    {"rfm": {"segment": name | [name..]}}
    {"ltv": {"gte"|"lte"|"eq": n}}
    {"in": audience_id}

`did` without `count` means at least once. A count that zero fulfils (`{"lte": 2}`, `{"eq": 0}`) is fulfilled by persons
who never did it, too. `not` is everybody else seen on the site.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tracker.analytics.rfm import NAMES as SEGMENTS
from tracker.core.errors import BadRequest
from tracker.core.event import LARGEST_AMOUNT
from tracker.core.period import duration_ms, instant_ms
from tracker.store.filters import Condition, Filter, check_property, only_keys, parse_condition, parse_filter

MAX_NODES = 200
MAX_DEPTH = 20
MAX_JOURNEYS = 10  # each is a funnel of its own, or a ranking of all buyers
AHEAD_MS = 120_000
"""Events so far ahead of now (a clock that is off) belong to "the last 14 days" already."""

_COMPARISONS = ("gte", "lte", "eq")
_DROPPED_FUNNEL = ("steps", "window", "mode", "exclude")


@dataclass(frozen=True)
class Bounds:
    """A number must fulfil all of these."""

    comparisons: tuple[tuple[str, float], ...]

    def hold(self, number: float) -> bool:
        """Whether `number` fulfils them."""
        tests = {"gte": number.__ge__, "lte": number.__le__, "eq": number.__eq__}
        return all(tests[word](limit) for word, limit in self.comparisons)


@dataclass(frozen=True)
class Within:
    """A time: the last `last_ms` milliseconds before now, or [from_ms, to_ms)."""

    last_ms: int | None = None
    from_ms: int = 0
    to_ms: int = 0

    def at(self, now_ms: int) -> tuple[int, int]:
        """[from, to) in milliseconds, as of `now_ms`."""
        return (self.from_ms, self.to_ms) if self.last_ms is None else (now_ms - self.last_ms, now_ms + AHEAD_MS)


@dataclass(frozen=True)
class All:
    """Every part holds."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True)
class Not:
    """The part does not hold; among the persons seen on the site."""

    part: Rule


@dataclass(frozen=True)
class Did:
    """So many matching events, worth so much."""

    condition: Condition
    count: Bounds
    within: Within | None = None
    value_of: str = ""
    value: Bounds | None = None


@dataclass(frozen=True)
class Journey:
    """A funnel whose start lies within: reached step `step`, and with `dropped` not the next, `wait_ms` ago at least.

    `funnel` is the body of a funnel report without site and period; it is checked by the report when it is compiled.
    """

    funnel: Mapping[str, Any]
    step: int
    within: Within
    dropped: bool
    wait_ms: int = 0
    field: str = ""


@dataclass(frozen=True)
class Property:
    """A filter on the latest known value of a property of the person, or with `touch` "first" on the first."""

    filter: Filter
    touch: str = "last"


@dataclass(frozen=True)
class Rfm:
    """A buyer in one of these segments of the RFM report over all purchases."""

    segments: tuple[str, ...]


@dataclass(frozen=True)
class Ltv:
    """All purchases so far, in the currency of most of the site's purchases, are worth so much; 0 without any."""

    value: Bounds


@dataclass(frozen=True)
class InAudience:
    """A member of another audience of the site."""

    audience: str
    field: str


Rule = All | AnyOf | Not | Did | Journey | Property | Rfm | Ltv | InAudience


def parse(body: object, field: str = "rule") -> Rule:
    """Check a rule. Raises BadRequest that names the path of what is wrong."""
    return _Parser().rule(body, field, 0)


def resolve(rule: Rule, definition: Callable[[str], object], seen: tuple[str, ...] = ()) -> Rule:
    """Put the rules of the audiences that are named in place of their names. Raises BadRequest for a circle.

    `definition` gives an audience's rule as it was saved.
    """
    if isinstance(rule, InAudience):
        if rule.audience in seen:
            raise BadRequest(f"{rule.field} leads back to the same audience", code="circular", field=rule.field)
        if len(seen) >= MAX_DEPTH:
            raise BadRequest(f"{rule.field}: audiences in audiences are nested too deep", field=rule.field)
        return resolve(parse(definition(rule.audience), rule.field), definition, (*seen, rule.audience))
    if isinstance(rule, Not):
        return replace(rule, part=resolve(rule.part, definition, seen))
    if isinstance(rule, All | AnyOf):
        return replace(rule, parts=tuple(resolve(part, definition, seen) for part in rule.parts))
    return rule


def named(rule: Rule) -> set[str]:
    """Ids of the audiences that a rule (not resolved) names."""
    if isinstance(rule, InAudience):
        return {rule.audience}
    if isinstance(rule, Not):
        return named(rule.part)
    if isinstance(rule, All | AnyOf):
        return set().union(*(named(part) for part in rule.parts))
    return set()


class _Parser:
    def __init__(self) -> None:
        self.nodes = 0
        self.journeys = 0

    def rule(self, body: object, field: str, depth: int) -> Rule:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise BadRequest(
                f"a rule may have {MAX_NODES} parts, nested {MAX_DEPTH} deep", code="rule_too_large", field=field
            )
        if not isinstance(body, Mapping) or len(body) != 1:
            raise BadRequest(
                f'{field} must be an object with one key, like {{"did": {{"event": "purchase"}}}}', field=field
            )
        [(word, inner)] = body.items()
        path = f"{field}.{word}"
        if word in ("all", "any"):
            if not isinstance(inner, Sequence) or isinstance(inner, str) or not inner:
                raise BadRequest(f"{path} must be a list of at least one rule", field=path)
            parts = tuple(self.rule(part, f"{path}[{at}]", depth + 1) for at, part in enumerate(inner))
            return All(parts) if word == "all" else AnyOf(parts)
        if word == "not":
            return Not(self.rule(inner, path, depth + 1))
        if word == "in":
            if not isinstance(inner, str) or not inner:
                raise BadRequest(f"{path} must be the id of an audience", field=path)
            return InAudience(inner, path)
        self.journeys += word in ("dropped", "sequence", "rfm")
        if self.journeys > MAX_JOURNEYS:
            raise BadRequest(
                f"a rule may have {MAX_JOURNEYS} funnels and RFM segments", code="rule_too_large", field=path
            )
        if word in _LEAVES:
            return _LEAVES[word](_object(inner, path), path)
        known = ", ".join(("all", "any", "not", *_LEAVES, "in"))
        raise BadRequest(f"{path[:200]} is unknown; a rule is one of {known}", field=path[:200])


def _did(body: Mapping[str, Any], field: str) -> Did:
    only_keys(body, ("event", "where", "count", "within", "value"), field)
    condition = parse_condition({key: body[key] for key in ("event", "where") if key in body}, field)
    count = Bounds((("gte", 1),))
    if body.get("count") is not None:
        count = _bounds(_object(body["count"], f"{field}.count"), f"{field}.count", whole=True)
    within = None if body.get("within") is None else _within(body["within"], f"{field}.within")
    if body.get("value") is None:
        return Did(condition, count, within)
    path = f"{field}.value"
    value = _object(body["value"], path)
    summed = value.get("sum")
    if not isinstance(summed, str) or not (summed == "value" or summed.startswith("props.")):
        raise BadRequest(f'{path}.sum must be "value" or props.<name>', field=f"{path}.sum")
    check_property(summed, f"{path}.sum")
    return Did(condition, count, within, summed, _bounds(value, path, whole=False, beside=("sum",)))


def _dropped(body: Mapping[str, Any], field: str) -> Journey:
    only_keys(body, ("funnel", "after_step", "within", "wait"), field)
    funnel = _object(body.get("funnel"), f"{field}.funnel")
    only_keys(funnel, _DROPPED_FUNNEL, f"{field}.funnel")
    steps = _steps(funnel.get("steps"), f"{field}.funnel.steps")
    step = body.get("after_step")
    if not isinstance(step, int) or isinstance(step, bool) or not 1 <= step < len(steps):
        raise BadRequest(
            f"{field}.after_step must be a step before the last, 1 to {len(steps) - 1}", field=f"{field}.after_step"
        )
    return Journey(
        funnel=dict(funnel),
        step=step,
        within=_within(body.get("within", "30d"), f"{field}.within"),
        dropped=True,
        wait_ms=0 if body.get("wait") is None else duration_ms(body["wait"], field=f"{field}.wait"),
        field=f"{field}.funnel",
    )


def _sequence(body: Mapping[str, Any], field: str) -> Journey:
    only_keys(body, ("steps", "window", "within"), field)
    steps = _steps(body.get("steps"), f"{field}.steps")
    funnel = {key: body[key] for key in ("steps", "window") if key in body}
    within = _within(body.get("within", "30d"), f"{field}.within")
    return Journey(funnel=funnel, step=len(steps), within=within, dropped=False, field=field)


def _property(body: Mapping[str, Any], field: str) -> Property:
    touch = body.get("touch", "last")
    if touch not in ("first", "last"):
        raise BadRequest(f'{field}.touch must be "first" or "last"', field=f"{field}.touch")
    checked = parse_filter(body, field, beside=("touch",))
    if checked.property.startswith("items.") or checked.property == "event":
        raise BadRequest(
            f"{field}.property must be a property of a person, like country, device, channel or traits.plan",
            field=f"{field}.property",
        )
    return Property(checked, touch)


def _answered(body: Mapping[str, Any], field: str) -> Did:
    """One answer of the survey at least, and with a score one that fulfils all its bounds."""
    only_keys(body, ("survey", "score", "within"), field)
    survey = body.get("survey")
    if not isinstance(survey, str) or not survey:
        raise BadRequest(f"{field}.survey must be the id of a survey", field=f"{field}.survey")
    where: list[dict[str, Any]] = [{"property": "props.survey", "op": "eq", "value": survey}]
    if body.get("score") is not None:
        path = f"{field}.score"
        score = _bounds(_object(body["score"], path), path, whole=False)
        where += [{"property": "props.score", "op": word, "value": limit} for word, limit in score.comparisons]
    within = None if body.get("within") is None else _within(body["within"], f"{field}.within")
    condition = parse_condition({"event": "survey_answered", "where": where}, field)
    return Did(condition, Bounds((("gte", 1),)), within)


def _rfm(body: Mapping[str, Any], field: str) -> Rfm:
    only_keys(body, ("segment",), field)
    given = body.get("segment")
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, Sequence) or not names or any(name not in SEGMENTS for name in names):
        raise BadRequest(f"{field}.segment must be one or a list of {', '.join(SEGMENTS)}", field=f"{field}.segment")
    return Rfm(tuple(names))


def _ltv(body: Mapping[str, Any], field: str) -> Ltv:
    return Ltv(_bounds(body, field, whole=False))


_LEAVES: dict[str, Callable[[Mapping[str, Any], str], Rule]] = {
    "did": _did,
    "dropped": _dropped,
    "sequence": _sequence,
    "property": _property,
    "answered": _answered,
    "rfm": _rfm,
    "ltv": _ltv,
}


def _object(body: object, field: str) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise BadRequest(f"{field} must be an object", field=field)
    return body


def _steps(body: object, field: str) -> Sequence[object]:
    if not isinstance(body, Sequence) or isinstance(body, str) or not 2 <= len(body) <= 20:
        raise BadRequest(f"{field} must be a list of 2 to 20 steps", field=field)
    return body


def _within(body: object, field: str) -> Within:
    if not isinstance(body, Mapping):
        return Within(last_ms=duration_ms(body, field=field))
    only_keys(body, ("from", "to"), field)
    start = instant_ms(body.get("from"), field=f"{field}.from")
    end = instant_ms(body.get("to"), field=f"{field}.to")
    if end <= start:
        raise BadRequest(f"{field}.to must be after {field}.from", field=f"{field}.to")
    return Within(from_ms=start, to_ms=end)


def _bounds(body: Mapping[str, Any], field: str, *, whole: bool, beside: Sequence[str] = ()) -> Bounds:
    """`beside`: keys that the caller reads."""
    only_keys(body, (*beside, *_COMPARISONS), field)
    limits = {word: limit for word, limit in body.items() if word not in beside}
    if not limits:
        raise BadRequest(f"{field} needs gte, lte or eq", field=field)
    for word, limit in limits.items():
        number = isinstance(limit, int if whole else int | float) and not isinstance(limit, bool)
        if not number or not abs(limit) < LARGEST_AMOUNT or (whole and limit < 0):
            kind = "a whole number from 0 up" if whole else "a number"
            most = f"{LARGEST_AMOUNT:.0f}"
            raise BadRequest(f"{field}.{word} must be {kind} and less than {most}", field=f"{field}.{word}")
    return Bounds(tuple(limits.items()))
