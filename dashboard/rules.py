"""An audience's rule in words. Pure: a rule of the API in, indented lines out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dashboard import formats
from dashboard.questions import MODES, are_mixed, filter_text

Json = dict[str, Any]
Line = tuple[int, str]

COMPARISON = {"gte": "at least", "gt": "more than", "lte": "at most", "lt": "fewer than", "eq": "exactly"}
_STEP = re.compile(r"\.(all|any|not)(?:\[(\d+)\])?")
WITHHELD = {
    "no_consent": "have not agreed to advertising",
    "opted_out": "said no to advertising",
    "suppressed": "are on the suppression list",
    "holdout": "are kept aside to measure the effect (hold-out)",
    "no_identifier": "left nothing this network could recognise them by",
    "too_few": "are too few to be added without showing who they are",
    "erased": "were erased meanwhile",
    "no_permission": "did not agree to this contact",
    "no_coupon": "got no coupon: none is left",
    "capped": "had as many contacts as allowed",
}
WITHHELD_ONE = {
    "no_consent": "has not agreed",
    "opted_out": "said no",
    "suppressed": "suppressed",
    "holdout": "hold-out",
    "no_identifier": "cannot be recognised",
    "too_few": "too few",
    "too_small": "too few members may be exported",
    "erased": "erased",
}


def lines(rule: Json, depth: int = 0) -> list[Line]:
    """The rule as (depth, sentence) lines, in the order one reads them."""
    for word, head in (("all", "All of these:"), ("any", "At least one of these:")):
        if word in rule:
            parts = rule[word]
            if len(parts) == 1:
                return lines(parts[0], depth)
            return [(depth, head), *(line for part in parts for line in lines(part, depth + 1))]
    if "not" in rule:
        inner = lines(rule["not"], depth + 1)
        if len(inner) == 1:
            said = inner[0][1]
            return [(depth, f"Did not do {said[4:]}" if said.startswith("Did ") else f"Not: {said}")]
        return [(depth, "Not:"), *inner]
    return _leaf(rule, depth)


def summary(rule: Json) -> str:
    """The rule as one line for a list: its parts joined by “and” or “or”, groups in brackets."""
    for word, joiner in (("all", " and "), ("any", " or ")):
        if rule.get(word):
            first, *rest = (_part(part) for part in rule[word])
            return joiner.join([first, *map(_inside, rest)])
    if "not" in rule and any(len(rule["not"].get(word, [])) > 1 for word in ("all", "any")):
        return f"Not {_inside(_part(rule['not']))}"
    head, *rest = (line for _, line in lines(rule))
    return f"{head} {' → '.join(rest)}" if "sequence" in rule else head


def _part(rule: Json) -> str:
    several = any(len(rule.get(word, [])) > 1 for word in ("all", "any"))
    return f"({summary(rule)})" if several else summary(rule)


def _inside(text: str) -> str:
    """As it stands inside a sentence, a bracket before it or not."""
    return re.sub(r"^\(*\w", lambda found: found[0].lower(), text)


def named(rule: Json, names: Mapping[str, str]) -> Json:
    """The rule with the names of other audiences instead of their ids: to be read, not to be sent."""
    if "in" in rule:
        return {"in": f"“{names[rule['in']]}”" if rule["in"] in names else rule["in"]}
    return {
        word: [named(part, names) for part in inner]
        if word in ("all", "any")
        else named(inner, names)
        if word == "not"
        else inner
        for word, inner in rule.items()
    }


def spoken(rule: Json, path: str, holds: bool) -> tuple[str, bool]:
    """The condition at a path as the API explains it (`rule.all[1].not`), in words, and whether what they say is so."""
    part: Any = rule
    for word, place in _STEP.findall(path):
        part = part.get(word, {}) if isinstance(part, dict) else {}
        if place:
            part = part[int(place)] if int(place) < len(part) else {}
    denied = path.count(".not") % 2 == 1
    head, *rest = (line for _, line in lines({"not": part} if denied else part))
    return f"{head}{' ' if head.endswith(':') else '; ' if rest else ''}{'; '.join(rest)}", holds != denied


def _leaf(rule: Json, depth: int) -> list[Line]:
    if "did" in rule:
        return [(depth, _did(rule["did"]))]
    if "dropped" in rule:
        return _dropped(rule["dropped"], depth)
    if "sequence" in rule:
        sequence = rule["sequence"]
        window = formats.window_text(sequence.get("window", ""))
        head = f"Did these in order{_within(sequence)}, within {window} of the first:"
        return [(depth, head), *((depth + 1, condition(step)) for step in sequence.get("steps", []))]
    if "property" in rule:
        first = ", as known first" if rule["property"].get("touch") == "first" else ""
        return [(depth, sentence(filter_text(rule["property"])) + first)]
    if "answered" in rule:
        answered = rule["answered"]
        score = f" with a score of{_bounds(answered['score'])}" if answered.get("score") else ""
        return [(depth, f"Answered the survey “{answered.get('survey', '')}”{score}{_within(answered)}")]
    if "rfm" in rule:
        segment = rule["rfm"].get("segment", "")
        names = [segment] if isinstance(segment, str) else segment
        return [(depth, f"Is in the customer group {' or '.join(map(formats.event_title, names))}")]
    if "ltv" in rule:
        return [(depth, f"Has a lifetime value of{_bounds(rule['ltv'])}")]
    if "in" in rule:
        return [(depth, f"Is in the audience {rule['in']}")]
    return [(depth, "A rule this page does not know how to read")]


def _did(did: Json) -> str:
    text = f"Did {condition(did)}"
    count = did.get("count") or {}
    if count and count != {"gte": 1}:
        text += f",{_bounds(count)} times"
    value = did.get("value") or {}
    if value:
        bounds = _bounds({key: bound for key, bound in value.items() if key in COMPARISON})
        text += f", with a sum of {value.get('sum', 'value')} of{bounds}"
    return text + _within(did)


def _dropped(dropped: Json, depth: int) -> list[Line]:
    funnel = dropped.get("funnel") or {}
    steps = funnel.get("steps") or []
    after = int(dropped.get("after_step", 1))
    reached = step_name(steps[after - 1]) if 0 < after <= len(steps) else f"step {after}"
    missed = step_name(steps[after]) if after < len(steps) else "the end"
    head = f"Reached “{reached}” but not “{missed}”{_within(dropped)}"
    if dropped.get("wait"):
        head += f"; counted after {formats.window_text(dropped['wait'])} without going on"
    about = f"Funnel: {' → '.join(step_name(step) for step in steps)}"
    if funnel.get("window"):
        about += f", within {formats.window_text(funnel['window'])}"
    if funnel.get("mode", "ordered") != "ordered":
        about += f", {MODES[funnel['mode']][:1].lower()}{MODES[funnel['mode']][1:]}"
    told = [f"“{step_name(step)}” is {condition(step)}" for step in steps if _narrowed(step)]
    told += [f"Not with {condition(row)} between{_between(row, len(steps))}" for row in funnel.get("exclude") or []]
    return [(depth, head), (depth + 1, about), *((depth + 1, line) for line in told)]


def _narrowed(step: Json) -> bool:
    return any(part.get("where") for part in step.get("any_of") or [step])


def _between(row: Json, last: int) -> str:
    return f" step {row.get('from_step', 1)} and step {row.get('to_step', last)}"


def step_name(step: Json) -> str:
    """The step's own name, else its events."""
    if step.get("name"):
        return str(step["name"])
    names = [str(part.get("event", "*")) for part in step.get("any_of") or [step]]
    return formats.listing([formats.event_title(name) for name in names])


def condition(spec: Json) -> str:
    """`“Add to cart” where country is DE and value is at least 50`."""
    parts = spec.get("any_of") or [spec]
    if are_mixed(parts):
        return " or ".join(map(condition, parts))
    text = formats.listing([f"“{formats.event_title(str(part.get('event', '*')))}”" for part in parts])
    where = parts[0].get("where") or []
    return text + (f" where {' and '.join(filter_text(row) for row in where)}" if where else "")


def _within(spec: Json) -> str:
    within = spec.get("within")
    if isinstance(within, dict):
        return f" between {str(within.get('from', ''))[:10]} and {str(within.get('to', ''))[:10]}"
    return f" in the last {formats.window_text(str(within))}" if within else ""


def _bounds(bounds: Json | None) -> str:
    texts = [
        f"{COMPARISON.get(key, key)} {formats.number(value) if isinstance(value, int | float) else value}"
        for key, value in (bounds or {}).items()
    ]
    return f" {' and '.join(texts)}" if texts else ""


def sentence(text: str) -> str:
    """With a capital letter."""
    return text[:1].upper() + text[1:]
