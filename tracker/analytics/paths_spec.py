"""A question about paths, checked, and what it calls nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.analytics import request
from tracker.analytics.request import Range
from tracker.core.errors import BadRequest
from tracker.core.period import duration_ms
from tracker.store.engine import Param
from tracker.store.journeys import ON_PATH
from tracker.store.sql import Fragment

KEYS = ("site", "from", "to", "by", "start", "end", "steps", "session_gap", "min_people", "max_nodes", "groups")
BY = ("page", "event")
MAX_STEPS = 20
MAX_GROUPS = 50
_MAX_GAP_MS = 366 * 86_400_000


_SLASHED = "length(path) > 1 and endsWith(path, '/')"
_CUT = "substring(path, 1, length(path) - 1)"
PAGE = f"if({_SLASHED}, {_CUT}, path)"
"""SQL: the page of an event, a slash at its end left out."""


@dataclass(frozen=True)
class Group:
    """Nodes whose name fits `match` (`*` stands for any characters) are shown as one called `name`."""

    match: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request. `session_gap` in ms, None: all of a person's range is one path."""

    site: str
    range: Range
    by: str
    start: str
    end: str
    steps: int
    session_gap: int | None
    min_people: int
    max_nodes: int
    groups: tuple[Group, ...]

    def label(self) -> Fragment:
        """SQL: the node that an event is."""
        text = "event"
        if self.by == "page":
            text = PAGE
        params: dict[str, Param] = {}
        tests = []
        for at, group in enumerate(self.groups):
            params[f"like_{at}"], params[f"group_{at}"] = _like(group.match), group.name
            tests.append(f"{text} like {{like_{at}:String}}, {{group_{at}:String}}")
        return Fragment(f"multiIf({', '.join(tests)}, {text})" if tests else text, params)

    def label_hash(self) -> Fragment:
        """SQL: its 64-bit key. A page is not copied for its slash."""
        label = self.label()
        if self.by == "page" and not self.groups:
            return Fragment(f"if({_SLASHED}, cityHash64({_CUT}), cityHash64(path))")
        return Fragment(f"cityHash64({label.text})", label.params)

    def is_end(self) -> Fragment:
        """SQL: whether an event is the node where paths end. The primary key finds a name of an event."""
        if self.by == "event" and not self.groups:
            return Fragment(f"{self.relevant().text} and event = {{end:String}}", {"end": self.end})
        label = self.label_hash()
        text = f"{self.relevant().text} and {label.text} = cityHash64({{end:String}})"
        return Fragment(text, {**label.params, "end": self.end})

    def relevant(self) -> Fragment:
        """SQL: whether an event is on a path at all."""
        if self.by == "page":
            return Fragment("event = 'page_view' and path != ''")
        return Fragment(ON_PATH)


def parse(body: object) -> Spec:
    """Check a request with the keys `KEYS`. Raises BadRequest."""
    given = request.fields(body, KEYS)
    by = request.choice(given, "by", BY, "page")
    return Spec(
        site=request.site(given),
        range=request.time_range(given),
        by=by,
        start=_node(given, "start", by),
        end=_node(given, "end", by),
        steps=request.whole(given, "steps", 5, (2, MAX_STEPS)),
        session_gap=_gap(given),
        min_people=request.whole(given, "min_people", 1, (1, 1_000_000_000)),
        max_nodes=request.whole(given, "max_nodes", 100, (1, 1000)),
        groups=_groups(given.get("groups")),
    )


def _node(given: Mapping[str, Any], name: str, by: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or not 0 < len(value) <= 4096:
        raise BadRequest(f"{name} must be a {'page like /pricing' if by == 'page' else 'name of an event'}", field=name)
    return value[:-1] if by == "page" and len(value) > 1 and value.endswith("/") else value


def _gap(given: Mapping[str, Any]) -> int | None:
    text = given.get("session_gap", "30m")
    if text is None:
        return None
    gap = duration_ms(text, field="session_gap")
    if not 0 < gap <= _MAX_GAP_MS:
        raise BadRequest("session_gap must be from 1ms to 366d, or null for none", field="session_gap")
    return gap


def _groups(body: object) -> tuple[Group, ...]:
    if body is None:
        return ()
    if not isinstance(body, Sequence) or isinstance(body, str) or len(body) > MAX_GROUPS:
        raise BadRequest(f"groups must be a list of up to {MAX_GROUPS} rules", field="groups")
    return tuple(_group(one, f"groups[{at}]") for at, one in enumerate(body))


def _group(body: object, field: str) -> Group:
    given = request.fields(body, ("match", "name"), field)
    match = given.get("match")
    name = given.get("name", match)
    for key, text in (("match", match), ("name", name)):
        if not isinstance(text, str) or not 0 < len(text) <= 4096:
            raise BadRequest(f"{field}.{key} must be a text like /product/*", field=f"{field}.{key}")
    return Group(str(match), str(name))


def _like(match: str) -> str:
    for special in ("\\", "%", "_"):
        match = match.replace(special, f"\\{special}")
    return match.replace("*", "%")
