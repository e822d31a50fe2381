"""What is asked, between a form and the API: filters, steps, funnels. Pure.

A draft is what the builder holds (plain dictionaries, so that a session can keep them):

    step    {"id", "events": [names], "where": [filter], "name", "optional", "within", "entry"}   several events: any
          and {"mixed": [{"id", "event", "where": [filter]}]} where the events have filters of their own each
    filter  {"id", "property", "op", "value"}                                      value: text or a list of texts
    funnel  {"steps": [step], "mode", "window", "count_by", "exclude": [exclusion], "breakdown", "touch", "compare",
             "worth": {"event", "where"} or {}}
"""

from __future__ import annotations

import itertools
from typing import Any

from dashboard import formats

Json = dict[str, Any]

OPERATORS = {
    "eq": "is",
    "ne": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "contains": "contains",
    "regex": "matches the pattern",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "exists": "is known",
    "not_exists": "is not known",
}
COMPARING = ("gt", "gte", "lt", "lte")
MODES = {
    "ordered": "In this order",
    "strict": "In this order, nothing between",
    "unordered": "In any order",
}
COUNTED = {"person": "People", "visitor": "Visitors (browsers)", "session": "Sessions"}
COMPARE = {"": "Nothing", "previous": "The period before", "breakdown": "Each value with the others"}
TOUCHES = {"first": "First touch", "last": "Last touch", "all": "Every touch"}
PROPERTIES = [
    "country",
    "device",
    "channel",
    "browser",
    "os",
    "utm_source",
    "utm_campaign",
    "path",
    "url",
    "referrer_host",
    "value",
]
LIKELY_STEPS = [
    "page_view",
    "view_item",
    "add_to_cart",
    "begin_checkout",
    "add_shipping_info",
    "add_payment_info",
    "purchase",
]

BUYING = "purchase"

_ids = itertools.count(1)


def new_id() -> int:
    """A number no other row of a builder has."""
    return next(_ids)


def new_step(*events: str) -> Json:
    """An empty step, or one of these events."""
    return {
        "id": new_id(),
        "events": list(events),
        "where": [],
        "name": "",
        "optional": False,
        "within": "",
        "entry": False,
    }


def new_filter(property: str = "") -> Json:
    """A filter that says nothing yet."""
    return {"id": new_id(), "property": property, "op": "eq", "value": ""}


def new_draft(names: list[str]) -> Json:
    """A first funnel out of the events there are: the shop's usual road, else the two most frequent events."""
    likely = [name for name in LIKELY_STEPS if name in names]
    if "view_item" in likely:
        likely = [name for name in likely if name not in ("page_view", "begin_checkout", "add_shipping_info")]
    chosen = likely if len(likely) >= 2 else names[:2]
    return {
        "steps": [new_step(name) for name in chosen],
        "mode": "ordered",
        "window": "7d",
        "count_by": "person",
        "exclude": [],
        "breakdown": "",
        "touch": "first",
        "compare": "",
        "worth": {"event": BUYING} if BUYING in chosen else {},
    }


def filter_ready(row: Json) -> bool:
    """Whether a filter says something."""
    return bool(row["property"]) and (row["op"] in ("exists", "not_exists") or row["value"] not in ("", [], None))


def filter_spec(row: Json) -> Json:
    """A filter as the API wants it; numbers only where they are compared."""
    spec: Json = {"property": row["property"], "op": row["op"]}
    if row["op"] in ("exists", "not_exists"):
        return spec
    value = row["value"]
    if row["op"] in COMPARING and isinstance(value, str):
        value = as_number(value)
    if row["op"] in ("in", "not_in") and isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    return spec | {"value": value}


def as_number(value: str) -> float | int | str:
    """`"12"` -> 12, `"1.5"` -> 1.5, what is no number stays text."""
    try:
        number = float(value)
    except ValueError:
        return value
    return int(number) if number.is_integer() else number


def step_spec(step: Json) -> Json:
    """A step as the API wants it."""
    rows = step.get("mixed") or [{"event": name, "where": step["where"]} for name in step["events"]]
    conditions = [_condition(row) for row in rows if row["event"]]
    spec: Json = dict(conditions[0]) if len(conditions) == 1 else {"any_of": conditions}
    spec["name"] = step_title(step)
    if step["optional"]:
        spec["optional"] = True
    if step.get("within"):
        spec["within"] = step["within"]
    if step.get("entry"):
        spec["entry"] = True
    return spec


def _condition(row: Json) -> Json:
    where = [filter_spec(one) for one in row["where"] if filter_ready(one)]
    return {"event": row["event"]} | ({"where": where} if where else {})


def split(step: Json) -> list[Json]:
    """The events of a step with its filters for each, to be changed apart."""
    return [
        {"id": new_id(), "event": name, "where": [row | {"id": new_id()} for row in step["where"]]}
        for name in step["events"]
    ]


def step_title(step: Json) -> str:
    """The name given to a step, else its events."""
    return str(step["name"] or formats.listing([formats.event_title(name) for name in step["events"]]))


def problem(draft: Json) -> str:
    """What is missing before the funnel can be counted; empty when nothing is."""
    steps = draft["steps"]
    if len(steps) < 2:
        return "Add a second step: a funnel needs at least two."
    for place, step in enumerate(steps, 1):
        if not step["events"]:
            return f"Choose an event for step {place}."
    if all(step["optional"] for step in steps) or steps[0]["optional"]:
        return "The first step cannot be optional: it is where a person starts."
    if any(step.get("within") for step in steps):
        return _timed_problem(draft)
    return ""


def _timed_problem(draft: Json) -> str:
    steps = draft["steps"]
    if draft["mode"] == "unordered" or steps[0].get("within"):
        return "A step can only have a time of its own behind another one, in a funnel with an order."
    if any(step["optional"] for step in steps):
        return "Optional steps do not go with steps that have a time of their own: take one or the other out."
    if draft["mode"] == "strict" and any(row["event"] for row in draft["exclude"]):
        return "With “nothing between” and a time for a step, nobody can be left out: take one of them out."
    return ""


def funnel_spec(draft: Json, site: str, start: str, end: str) -> Json:
    """The whole question for `reports/funnel`."""
    spec: Json = {"site": site, "from": start, "to": end} | rule_funnel(draft)
    spec["count_by"] = draft["count_by"]
    if draft["breakdown"]:
        spec["breakdown"] = {"property": draft["breakdown"], "touch": draft["touch"]}
    return spec


def comparison(draft: Json) -> Json:
    """What `reports/funnel` alone takes: the other side, `{"compare": ...}` or nothing."""
    compare = draft.get("compare") or ""
    if compare == "breakdown" and (not draft["breakdown"] or draft["touch"] == "all"):
        return {}
    if not compare:
        return {}
    return {"compare": compare if compare in COMPARE else {"segment": compare}}


def money(draft: Json) -> Json:
    """What asks `reports/funnel` and its trend for the worth in money, or nothing.

    Where the last step is that event, its own filters say which purchases count.
    """
    event = (draft.get("worth") or {}).get("event")
    if not event:
        return {}
    own = draft["steps"][-1]["events"] == [event] and not draft["worth"].get("where")
    return {"worth": True if own else draft["worth"]}


def rule_funnel(draft: Json) -> Json:
    """The part of a funnel that an audience's rule needs too."""
    spec: Json = {
        "steps": [step_spec(step) for step in draft["steps"]],
        "mode": draft["mode"],
        "window": draft["window"],
    }
    excluded = [exclusion_spec(row) for row in draft["exclude"] if row["event"]]
    return spec | ({"exclude": excluded} if excluded else {})


def exclusion_spec(row: Json) -> Json:
    """An exclusion as the API wants it."""
    spec: Json = {"event": row["event"], "from_step": row["from_step"], "to_step": row["to_step"]}
    where = [filter_spec(one) for one in row["where"] if filter_ready(one)]
    return spec | ({"where": where} if where else {})


def draft_of(spec: Json) -> Json:
    """A saved funnel back in the builder."""
    draft = new_draft([])
    draft["steps"] = [step_of(step) for step in spec.get("steps", [])]
    draft |= {key: spec[key] for key in ("mode", "window", "count_by") if spec.get(key)}
    breakdown = spec.get("breakdown") or {}
    draft["breakdown"], draft["touch"] = breakdown.get("property", ""), breakdown.get("touch", "first")
    compare = spec.get("compare") or ""
    draft["compare"] = compare if isinstance(compare, str) else compare["segment"]
    draft["worth"] = _worth_of(spec)
    draft["exclude"] = [
        {
            "id": new_id(),
            "event": row.get("event", ""),
            "from_step": row.get("from_step", 1),
            "to_step": row.get("to_step", len(draft["steps"])),
            "where": filters_of(row),
        }
        for row in spec.get("exclude", [])
    ]
    return draft


def _worth_of(spec: Json) -> Json:
    worth = spec.get("worth")
    if worth is True:
        return {"event": (spec["steps"][-1].get("any_of") or [spec["steps"][-1]])[0]["event"]}
    return dict(worth) if worth else {}


def are_mixed(conditions: list[Json]) -> bool:
    """Whether the events of a step have filters of their own each."""
    return any((one.get("where") or []) != (conditions[0].get("where") or []) for one in conditions)


def step_of(spec: Json) -> Json:
    """A step of the API in the builder."""
    conditions = spec.get("any_of") or [spec]
    step = new_step(*(condition.get("event", "*") for condition in conditions))
    step["where"] = filters_of(conditions[0])
    if are_mixed(conditions):
        step["mixed"] = [
            {"id": new_id(), "event": one.get("event", "*"), "where": filters_of(one)} for one in conditions
        ]
    step["optional"], step["entry"] = bool(spec.get("optional")), bool(spec.get("entry"))
    step["within"] = str(spec.get("within") or "")
    automatic = step_title(step)
    step["name"] = "" if spec.get("name") in (None, automatic) else spec["name"]
    return step


def filters_of(condition: Json) -> list[Json]:
    """The filters of a condition in the builder; values are texts there."""
    rows = []
    for row in condition.get("where") or []:
        value = row.get("value", "")
        value = [str(one) for one in value] if isinstance(value, list) else str(value)
        rows.append({"id": new_id(), "property": row["property"], "op": row["op"], "value": value})
    return rows


def path_groups(text: str) -> list[Json]:
    """`/product/* = Product`, one rule a line, as rules of `reports/paths`; without a name the pattern is shown."""
    rules = []
    for line in text.splitlines():
        match, _, name = (part.strip() for part in line.partition("="))
        if match:
            rules.append({"match": match} | ({"name": name} if name else {}))
    return rules


def filter_text(row: Json) -> str:
    """`country is one of DE or AT`."""
    value = row.get("value", "")
    words = formats.listing([str(one) for one in value]) if isinstance(value, list) else str(value)
    return f"{property_title(row['property'])} {OPERATORS.get(row['op'], row['op'])} {words}".strip()


def property_title(name: str) -> str:
    """`props.plan` -> `plan`, `utm_source` -> `campaign source`."""
    known = {"os": "operating system", "path": "page", "url": "address", "referrer_host": "referring site"}
    known["utm_campaign"] = "campaign"
    return known.get(name) or name.removeprefix("props.").removeprefix("traits.").replace("utm_", "campaign ").replace(
        "_", " "
    )
