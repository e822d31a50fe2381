"""A rule between the API and its builder. Pure. What nobody touched comes back exactly as it was.

    node   {"id", "kind", "nots", "given", ...}   `nots`: how many "not" stand around it; `given`: the rule it came from
    all, any    "parts": [node]
    did         "event", "where": [filter], "count": bounds | None, "within", "value_of", "value": bounds | None
    sequence    "steps": [step], "window", "within"
    dropped     "funnel": {"steps", "mode", "window", "exclude"}, "after_step", "within", "wait"
    property    "filter": filter, "touch"            answered   "survey", "score": bounds | None, "within"
    rfm         "segments": [name]     ltv   "value": bounds     in   "audience": id

`within` is "14d", {"from", "to"} or "" for all time; bounds are {"gte" | "lte" | "eq": number}; filters, steps and
exclusions are those of `dashboard.questions`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dashboard import questions
from dashboard.questions import Json

KINDS = {
    "did": "Did something",
    "property": "What is known of them",
    "sequence": "Did several things in order",
    "dropped": "Began a funnel and left it",
    "answered": "Answered a survey",
    "rfm": "Customer group",
    "ltv": "Lifetime value",
    "in": "Is in another audience",
    "all": "All of several",
    "any": "At least one of several",
}
GROUPS = ("all", "any")
_OURS = ("id", "given", "implicit")


def new_node(kind: str, *events: str) -> Json:
    """One that says nothing yet, or is about these events."""
    first = events[0] if events else ""
    fresh: dict[str, Json] = {
        "all": {"parts": []},
        "any": {"parts": []},
        "did": {"event": first, "where": [], "count": None, "within": "30d", "value_of": "", "value": None},
        "sequence": {"steps": _two(events), "window": "7d", "within": "30d"},
        "dropped": {"funnel": _funnel(_two(events)), "after_step": 1, "within": "14d", "wait": "1h"},
        "property": {"filter": questions.new_filter("country"), "touch": "last"},
        "answered": {"survey": "", "score": None, "within": ""},
        "rfm": {"segments": []},
        "ltv": {"value": {"gte": 100}},
        "in": {"audience": ""},
    }
    return {"id": questions.new_id(), "kind": kind, "nots": 0, **fresh[kind]}


def draft_of(rule: Json) -> Json:
    """A rule in the builder: a group; what is none gets one around it that does not show in the rule."""
    node = _node(rule)
    if node["kind"] in GROUPS and not node["nots"]:
        return node
    return new_node("all") | {"parts": [node], "implicit": True}


def rule_of(node: Json) -> Json:
    """The rule as the API wants it."""
    if node.get("implicit") and len(node["parts"]) == 1 and node["kind"] == "all" and not node["nots"]:
        return rule_of(node["parts"][0])
    if node["kind"] in GROUPS:
        rule: Json = {node["kind"]: [rule_of(part) for part in node["parts"]]}
    else:
        rule = as_given(node, _node, _leaf)
    for _ in range(node["nots"]):
        rule = {"not": rule}
    return rule


def problem(node: Json) -> str:
    """What is missing before anybody can be found; empty when nothing is."""
    if node["kind"] in GROUPS:
        if not node["parts"]:
            return "Add a condition to every group."
        return next((found for part in node["parts"] if (found := problem(part))), "")
    steps = node.get("steps") or (node.get("funnel") or {}).get("steps")
    if steps is not None and (len(steps) < 2 or not all(step["events"] for step in steps)):
        return "Choose an event for every step; there are at least two."
    missing = {
        "did": not node.get("event"),
        "property": node["kind"] == "property" and not _filters([node["filter"]]),
        "answered": not node.get("survey"),
        "rfm": not node.get("segments"),
        "in": not node.get("audience"),
    }
    said = {
        "did": "Choose the event that they did.",
        "property": "Say what is known of them.",
        "answered": "Say which survey they answered.",
        "rfm": "Choose a customer group.",
        "in": "Choose the other audience.",
    }
    return said[node["kind"]] if missing.get(node["kind"]) else ""


def as_given(draft: Json, maker: Callable[[Json], Json], spec: Callable[[Json], Json]) -> Json:
    """`spec(draft)`, or what it was made of where that would make the same draft again."""
    given = draft.get("given")
    if given is not None and _plain(maker(given)) == _plain({**draft, "nots": 0} if "nots" in draft else draft):
        return dict(given)
    return spec(draft)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if key not in _OURS}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _two(events: tuple[str, ...]) -> list[Json]:
    return [questions.new_step(*events[:1]), questions.new_step(*events[1:2])]


def _funnel(steps: list[Json]) -> Json:
    return {"steps": steps, "mode": "ordered", "window": "7d", "exclude": []}


def _node(rule: Json) -> Json:
    nots = 0
    while "not" in rule:
        rule, nots = rule["not"], nots + 1
    [(kind, inner)] = rule.items()
    node = new_node(kind) | {"nots": nots, "given": rule}
    if kind in GROUPS:
        return node | {"parts": [_node(part) for part in inner]}
    if kind == "in":
        return node | {"audience": inner}
    return node | _READ[kind](inner)


def _read_did(did: Json) -> Json:
    value = dict(did.get("value") or {})
    summed = value.pop("sum", "")
    return {
        "event": did.get("event", ""),
        "where": [_filter(row) for row in did.get("where") or []],
        "count": did.get("count"),
        "within": did.get("within") or "",
        "value_of": summed,
        "value": value or None,
    }


def _read_sequence(sequence: Json) -> Json:
    return {
        "steps": [_step(step) for step in sequence.get("steps", [])],
        "window": sequence.get("window", "7d"),
        "within": sequence.get("within", "30d"),
    }


def _read_dropped(dropped: Json) -> Json:
    funnel = dropped.get("funnel") or {}
    steps = [_step(step) for step in funnel.get("steps", [])]
    read = _funnel(steps) | {key: funnel[key] for key in ("mode", "window") if funnel.get(key)}
    read["exclude"] = [_exclusion(row, len(steps)) for row in funnel.get("exclude") or []]
    return {
        "funnel": read,
        "after_step": int(dropped.get("after_step", 1)),
        "within": dropped.get("within", "30d"),
        "wait": dropped.get("wait") or "",
    }


def _read_property(given: Json) -> Json:
    row = {key: value for key, value in given.items() if key != "touch"}
    return {"filter": _filter(row), "touch": given.get("touch", "last")}


_READ: dict[str, Callable[[Json], Json]] = {
    "did": _read_did,
    "sequence": _read_sequence,
    "dropped": _read_dropped,
    "property": _read_property,
    "answered": lambda one: {
        "survey": one.get("survey", ""),
        "score": one.get("score"),
        "within": one.get("within") or "",
    },
    "rfm": lambda one: {
        "segments": [one["segment"]] if isinstance(one.get("segment"), str) else list(one.get("segment") or [])
    },
    "ltv": lambda one: {"value": dict(one)},
}


def _leaf(node: Json) -> Json:
    kind = node["kind"]
    if kind == "in":
        return {"in": node["audience"]}
    return {kind: _WRITE[kind](node)}


def _write_did(node: Json) -> Json:
    where = _filters(node["where"])
    summed = {"value": {"sum": node["value_of"] or "value", **node["value"]}} if node["value"] else {}
    return (
        {"event": node["event"]}
        | ({"where": where} if where else {})
        | ({"count": node["count"]} if node["count"] else {})
        | _within(node)
        | summed
    )


def _write_dropped(node: Json) -> Json:
    funnel = node["funnel"]
    spec: Json = {"steps": _steps(funnel["steps"]), "mode": funnel["mode"], "window": funnel["window"]}
    last = len(funnel["steps"])
    excluded = [as_given(row, lambda one: _exclusion(one, last), questions.exclusion_spec) for row in funnel["exclude"]]
    if excluded := [row for row in excluded if row["event"]]:
        spec["exclude"] = excluded
    wait = {"wait": node["wait"]} if node["wait"] else {}
    return {"funnel": spec, "after_step": min(node["after_step"], last - 1)} | _within(node) | wait


def _write_property(node: Json) -> Json:
    touch = {"touch": node["touch"]} if node["touch"] != "last" else {}
    return as_given(node["filter"], _filter, questions.filter_spec) | touch


_WRITE: dict[str, Callable[[Json], Json]] = {
    "did": _write_did,
    "sequence": lambda node: {"steps": _steps(node["steps"]), "window": node["window"]} | _within(node),
    "dropped": _write_dropped,
    "property": _write_property,
    "answered": lambda node: (
        {"survey": node["survey"]} | ({"score": node["score"]} if node["score"] else {}) | _within(node)
    ),
    "rfm": lambda node: {"segment": node["segments"][0] if len(node["segments"]) == 1 else node["segments"]},
    "ltv": lambda node: dict(node["value"]),
}


def _within(node: Json) -> Json:
    return {"within": node["within"]} if node["within"] else {}


def _filter(row: Json) -> Json:
    [draft] = questions.filters_of({"where": [row]})
    return draft | {"given": row}


def _filters(rows: list[Json]) -> list[Json]:
    said = [(row, as_given(row, _filter, lambda _row: {})) for row in rows]
    return [given or questions.filter_spec(row) for row, given in said if given or questions.filter_ready(row)]


def _step(spec: Json) -> Json:
    conditions = spec.get("any_of") or [spec]
    step = questions.step_of(spec)
    for row, condition in zip([step, *step.get("mixed", [])], [conditions[0], *conditions], strict=False):
        row["where"] = [_filter(one) for one in condition.get("where") or []]
    return step | {"given": spec}


def _steps(steps: list[Json]) -> list[Json]:
    return [as_given(step, _step, _step_spec) for step in steps]


def _step_spec(step: Json) -> Json:
    spec = questions.step_spec(step)
    rows = [row for row in step.get("mixed") or [] if row["event"]] or [step] * len(step["events"])
    for condition, row in zip(spec.get("any_of") or [spec], rows, strict=True):
        if where := _filters(row["where"]):
            condition["where"] = where
    return spec


def _exclusion(row: Json, last: int) -> Json:
    return {
        "id": questions.new_id(),
        "event": row.get("event", ""),
        "from_step": row.get("from_step", 1),
        "to_step": row.get("to_step", last),
        "where": [_filter(one) for one in row.get("where") or []],
        "given": row,
    }
