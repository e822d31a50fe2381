"""A funnel as the contract writes it, checked.

Limits: 2 to 20 steps, the first one required; up to 20 alternatives a step; up to 20 exclusions; a window of up to
366 days. A step's own `within` goes with order, and not with optional steps; in strict mode not with exclusions either.
`unordered` knows no optional steps (nothing to skip) and only exclusions over the whole funnel (there is no
"between two steps" without an order).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tracker.analytics import request
from tracker.analytics.request import Range
from tracker.core.errors import BadRequest
from tracker.core.period import duration_ms
from tracker.store.filters import Condition, Filter, check_property, event_name, parse_condition, parse_filters

KEYS = ("site", "from", "to", "steps", "mode", "window", "count_by", "exclude", "breakdown", "times")
MODES = ("ordered", "strict", "unordered")
UNITS = ("person", "visitor", "session")
TOUCHES = ("first", "last", "all")
MAX_WINDOW_MS = 366 * 86_400_000
DEFAULT_WINDOW = "14d"
ENTRY = Filter("entry", "eq", ("true",))
"""Holds for the first page view of a session; `funnel_entry.sql` has the column. Nobody can name it in a request."""


@dataclass(frozen=True)
class Step:
    """One step: any of its conditions serves it, at most `within` ms after the step before."""

    name: str
    any_of: tuple[Condition, ...]
    optional: bool = False
    within: int | None = None

    @property
    def event(self) -> str:
        """What the answer shows as the step's event."""
        return " or ".join(dict.fromkeys(one.event for one in self.any_of))


@dataclass(frozen=True)
class Exclusion:
    """Such an event between two steps (numbered from 1) throws the attempt away."""

    condition: Condition
    from_step: int
    to_step: int


@dataclass(frozen=True)
class Breakdown:
    """By a property of the first or last funnel event that has it, or of every event (`all`)."""

    property: str
    touch: str


@dataclass(frozen=True, kw_only=True)
class Funnel:
    """A checked funnel. `window` in ms. `range` bounds the first step. `times`: whether waiting times are wanted."""

    site: str
    range: Range
    steps: tuple[Step, ...]
    mode: str = "ordered"
    window: int = 14 * 86_400_000
    count_by: str = "person"
    exclude: tuple[Exclusion, ...] = ()
    breakdown: Breakdown | None = None
    times: bool = True

    @property
    def timed(self) -> bool:
        """Whether a step has a time of its own."""
        return any(step.within is not None for step in self.steps)

    @property
    def from_entries(self) -> bool:
        """Whether a step looks at pages that sessions begin with."""
        return any(ENTRY in one.where for step in self.steps for one in step.any_of)

    def required_before(self, step: int) -> int:
        """Number of the last required step before `step` (numbered from 1); 0 before the first."""
        return max((at for at in range(1, step) if not self.steps[at - 1].optional), default=0)

    def next_steps(self, step: int) -> list[int]:
        """Steps that may follow `step`, preferred first: the next required one, then the optional ones before it."""
        optional: list[int] = []
        for at in range(step + 1, len(self.steps) + 1):
            if not self.steps[at - 1].optional:
                return [at, *optional]
            optional.append(at)
        return optional


def parse(body: object, path: str = "") -> Funnel:
    """Check a funnel. Raises BadRequest that names the field; `path` is put before every field's name."""
    given = request.fields(body, KEYS, path.rstrip("."))
    site, between = request.site(given, path), request.time_range(given, path)
    mode = request.choice(given, "mode", MODES, "ordered", path)
    steps = parse_steps(given.get("steps"), f"{path}steps", mode)
    return Funnel(
        site=site,
        range=between,
        steps=steps,
        mode=mode,
        window=parse_window(given.get("window", DEFAULT_WINDOW), f"{path}window"),
        count_by=request.choice(given, "count_by", UNITS, "person", path),
        exclude=_exclusions(given.get("exclude"), f"{path}exclude", steps, mode),
        breakdown=_breakdown(given.get("breakdown"), f"{path}breakdown"),
        times=request.flag(given, "times", default=True, path=path),
    )


def parse_with(body: object, more: Sequence[str]) -> tuple[Funnel, str, Mapping[str, Any]]:
    """A funnel with more fields beside it: its own fields flat among them, or inside `funnel`. Raises BadRequest.

    Gives the funnel, what stands before its fields' names in errors, and the fields.
    """
    if isinstance(body, Mapping) and "funnel" in body:
        given = request.fields(body, ("funnel", *more))
        return parse(given["funnel"], "funnel."), "funnel.", given
    given = request.fields(body, (*KEYS, *more, "funnel"))
    return parse({name: value for name, value in given.items() if name in KEYS}), "", given


def parse_part(body: object, site: str, between: Range, path: str) -> Funnel:
    """A funnel inside something else (an audience's rule): steps, window, mode, exclude. Raises BadRequest."""
    given = request.fields(body, ("steps", "window", "mode", "exclude"), path.rstrip("."))
    mode = request.choice(given, "mode", MODES, "ordered", path)
    steps = parse_steps(given.get("steps"), f"{path}steps", mode)
    return Funnel(
        site=site,
        range=between,
        steps=steps,
        mode=mode,
        window=parse_window(given.get("window", DEFAULT_WINDOW), f"{path}window"),
        exclude=_exclusions(given.get("exclude"), f"{path}exclude", steps, mode),
    )


def parse_window(text: object, field: str) -> int:
    """`"7d"` -> ms. Raises BadRequest."""
    window = duration_ms(text, field=field)
    if window > MAX_WINDOW_MS:
        raise BadRequest(f"{field} may be at most 366d", field=field)
    return window


def parse_steps(body: object, field: str, mode: str = "ordered") -> tuple[Step, ...]:
    """Check the list of steps. Raises BadRequest."""
    if not isinstance(body, Sequence) or isinstance(body, str) or not 2 <= len(body) <= 20:
        raise BadRequest(f"{field} must be a list of 2 to 20 steps", field=field)
    steps = tuple(_step(one, f"{field}[{at}]") for at, one in enumerate(body))
    for at, step in enumerate(steps):
        if step.optional and (at == 0 or mode == "unordered"):
            why = "the first step" if at == 0 else "a step of an unordered funnel"
            raise BadRequest(f"{field}[{at}].optional: {why} cannot be optional", field=f"{field}[{at}].optional")
        if step.within is not None:
            _check_within(steps, at, mode, f"{field}[{at}].within")
    return steps


def _check_within(steps: Sequence[Step], at: int, mode: str, field: str) -> None:
    if at == 0 or mode == "unordered":
        why = "the first step has no step before it" if at == 0 else "an unordered funnel has no step before"
        raise BadRequest(f"{field}: {why}", field=field)
    if any(step.optional for step in steps):
        raise BadRequest(f"{field}: a funnel has optional steps or steps with within, not both", field=field)


def _step(body: object, field: str) -> Step:
    given = request.fields(body, ("event", "where", "any_of", "name", "optional", "within", "entry"), field)
    optional, name = given.get("optional", False), given.get("name")
    if not isinstance(optional, bool):
        raise BadRequest(f"{field}.optional must be true or false", field=f"{field}.optional")
    if name is not None and (not isinstance(name, str) or len(name) > 500):
        raise BadRequest(f"{field}.name must be a text of up to 500 characters", field=f"{field}.name")
    conditions = _any_of(given, field)
    if request.flag(given, "entry", path=f"{field}."):
        if any(one.event != "page_view" for one in conditions):
            raise BadRequest(f'{field}.entry goes with the event "page_view"', field=f"{field}.entry")
        conditions = tuple(Condition(one.event, (*one.where, ENTRY)) for one in conditions)
    within = None if given.get("within") is None else parse_window(given["within"], f"{field}.within")
    step = Step("", conditions, optional, within)
    return replace(step, name=name or step.event)


def _any_of(given: Mapping[str, Any], field: str) -> tuple[Condition, ...]:
    if "any_of" not in given:
        where = parse_filters(given.get("where"), f"{field}.where")
        return (Condition(event_name(given.get("event"), f"{field}.event"), where),)
    if "event" in given or "where" in given:
        raise BadRequest(f"{field} has any_of: event and where belong inside it", field=f"{field}.any_of")
    body = given["any_of"]
    if not isinstance(body, Sequence) or isinstance(body, str) or not 1 <= len(body) <= 20:
        raise BadRequest(f"{field}.any_of must be a list of 1 to 20 conditions", field=f"{field}.any_of")
    return tuple(parse_condition(one, f"{field}.any_of[{at}]") for at, one in enumerate(body))


def _exclusions(body: object, field: str, of: Sequence[Step], mode: str) -> tuple[Exclusion, ...]:
    if body is None or body == []:
        return ()
    steps = len(of)
    if mode == "strict" and any(step.within is not None for step in of):
        raise BadRequest(f"{field}: a strict funnel has exclusions or steps with within, not both", field=field)
    if not isinstance(body, Sequence) or isinstance(body, str) or len(body) > 20:
        raise BadRequest(f"{field} must be a list of up to 20 exclusions", field=field)
    checked = tuple(_exclusion(one, f"{field}[{at}]", steps) for at, one in enumerate(body))
    for at, one in enumerate(checked):
        if mode == "unordered" and (one.from_step, one.to_step) != (1, steps):
            why = "an unordered funnel can only exclude between its first and its last match"
            raise BadRequest(f"{field}[{at}]: {why}; leave from_step and to_step out", field=f"{field}[{at}]")
    return checked


def _exclusion(body: object, field: str, steps: int) -> Exclusion:
    given = request.fields(body, ("event", "where", "from_step", "to_step"), field)
    first = request.whole(given, "from_step", 1, (1, steps - 1), f"{field}.")
    last = request.whole(given, "to_step", steps, (2, steps), f"{field}.")
    if last <= first:
        raise BadRequest(f"{field}.to_step must be greater than from_step", field=f"{field}.to_step")
    where = parse_filters(given.get("where"), f"{field}.where")
    return Exclusion(Condition(event_name(given.get("event"), f"{field}.event"), where), first, last)


def _breakdown(body: object, field: str) -> Breakdown | None:
    if body is None:
        return None
    given = request.fields(body, ("property", "touch"), field)
    name = given.get("property")
    if not isinstance(name, str):
        raise BadRequest(f"{field}.property must be a property's name", field=f"{field}.property")
    check_property(name, f"{field}.property")
    return Breakdown(name, request.choice(given, "touch", TOUCHES, "first", f"{field}."))
