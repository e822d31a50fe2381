"""A funnel counted slowly, event by event and start by start, from the contract's text alone.

Events are dictionaries: ts (ms), seq, arrival, event, type, visitor, user, session, props, and any typed column.
Nothing here is shared with the product: times, filters and identity are read anew.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from datetime import datetime

UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
BOOKKEEPING = {"identify", "alias", "group", "consent"}


def milliseconds(window):
    for unit in ("ms", "s", "m", "h", "d", "w"):
        if window.endswith(unit) and window[: -len(unit)].isdigit():
            return int(window[: -len(unit)]) * UNIT_MS[unit]
    raise ValueError(window)


def instant(text):
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def read(event, name):
    """The value of a property, None where it is missing."""
    if name.startswith(("props.", "traits.")):
        head, *keys = name.split(".")
        value = event.get(head) or {}
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value
    value = event.get(name)
    return None if value == "" else value


def as_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def number(value):
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def passes(event, one):
    value, wanted, op = read(event, one["property"]), one.get("value"), one["op"]
    if op in ("ne", "not_in", "not_exists"):
        return not passes(event, {**one, "op": {"ne": "eq", "not_in": "in", "not_exists": "exists"}[op]})
    if value is None:
        return False
    if op == "exists":
        return True
    if op == "in":
        return any(passes(event, {**one, "op": "eq", "value": each}) for each in wanted)
    if op == "eq":
        if isinstance(wanted, int | float) and not isinstance(wanted, bool):
            return number(value) == wanted
        return as_text(value) == as_text(wanted)
    if op == "contains":
        return wanted in as_text(value)
    left, right = (as_text(value), wanted) if isinstance(wanted, str) else (number(value), wanted)
    if left is None:
        return False
    return {"gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right}[op]


def fits(event, condition):
    return condition["event"] in ("*", event["event"]) and all(
        passes(event, one) for one in condition.get("where") or []
    )


def serves(event, step):
    if step.get("entry") and not event.get("entry"):
        return False
    return any(fits(event, one) for one in step.get("any_of") or [step])


def persons(events):
    """visitor -> user: the first user, by time and then arrival, the visitor was seen with."""
    first = {}
    for event in sorted(events, key=lambda one: (one["ts"], one["arrival"])):
        for name in (event.get("visitor"), event.get("previous")):  # who is merged may have been a visitor
            if event.get("user") and name:
                first.setdefault(name, event["user"])
    return first


def unit_of(event, funnel, owners):
    kind = funnel.get("count_by", "person")
    if kind == "visitor":
        return event.get("visitor") or None
    if kind == "session":
        return (event.get("visitor") or event.get("user"), event["session"]) if event.get("session") else None
    if event.get("user"):
        return "user", event["user"]
    visitor = event.get("visitor")
    return ("user", owners[visitor]) if visitor in owners else ("visitor", visitor)


def journeys(funnel, events):
    """unit -> its events in the contract's order."""
    owners, found = persons(events), defaultdict(list)
    for event in events:
        unit = unit_of(event, funnel, owners)
        if unit is not None and not event.get("bot"):
            found[unit].append(event)
    return {unit: sorted(rows, key=lambda one: (one["ts"], one["seq"], one["arrival"])) for unit, rows in found.items()}


def follow(funnel, events, start):
    """One attempt, from the event at `start`: {step: time} or None where an exclusion threw it away."""
    if any(step.get("within") for step in funnel["steps"]):
        return follow_in_time(funnel, events, start)
    steps, window = funnel["steps"], milliseconds(funnel.get("window", "14d"))
    strict, at, stands = funnel.get("mode") == "strict", {1: events[start]["ts"]}, 1
    for event in events[start + 1 :]:
        if event["ts"] - events[start]["ts"] > window:
            break
        optional = []
        taken = None
        for step in range(stands + 1, len(steps) + 1):
            if not steps[step - 1].get("optional"):
                taken = step if serves(event, steps[step - 1]) else None
                break
            optional.append(step)
        if taken is None:
            taken = next((step for step in optional if serves(event, steps[step - 1])), None)
        after = taken or stands
        for one in funnel.get("exclude") or []:
            if one.get("from_step", 1) <= stands and after < one.get("to_step", len(steps)) and fits(event, one):
                return None
        if taken is not None:
            at[taken] = event["ts"]
            stands = taken
        elif strict and (event.get("type") not in BOOKKEEPING or asked_for(funnel, event)):
            break
    return at


def asked_for(funnel, event):
    """A step or an exclusion asks for it."""
    excluded = any(fits(event, one) for one in funnel.get("exclude") or [])
    return excluded or any(serves(event, step) for step in funnel["steps"])


def follow_in_time(funnel, events, start):
    """As `follow`, where steps have a time of their own: tries every way, and takes the earliest that gets furthest."""
    steps, window = funnel["steps"], milliseconds(funnel.get("window", "14d"))
    strict, begun = funnel.get("mode") == "strict", events[start]["ts"]

    def ways(place):
        for later in range(place + 1, len(events)):
            yield later
            idle = events[later].get("type") in BOOKKEEPING and not any(serves(events[later], step) for step in steps)
            if strict and not idle:
                return

    def go(place, step, goal):
        if step == goal:
            return [place]
        within = steps[step].get("within")
        for later in ways(place):
            ms = events[later]["ts"]
            if ms - begun > window or (within and ms - events[place]["ts"] > milliseconds(within)):
                break
            if serves(events[later], steps[step]) and (rest := go(later, step + 1, goal)):
                return [place, *rest]
        return None

    for goal in range(len(steps), 0, -1):
        found = go(start, 1, goal)
        if found:
            break
    for one in funnel.get("exclude") or []:
        first, last = one.get("from_step", 1), one.get("to_step", len(steps))
        if first <= len(found):
            end = found[last - 1] if last <= len(found) else len(events)
            between = [event for event in events[found[first - 1] + 1 : end] if event["ts"] - begun <= window]
            if any(fits(event, one) for event in between):
                return None
    return {step: events[place]["ts"] for step, place in enumerate(found, 1)}


def most_steps(masks):
    """The largest number of events that can each be given a step of their own (tries everything)."""
    best = 0

    def go(rest, used, taken):
        nonlocal best
        best = max(best, taken)
        if not rest or taken + len(rest) <= best:
            return
        for step in rest[0]:
            if step not in used:
                go(rest[1:], used | {step}, taken + 1)
        go(rest[1:], used, taken)

    go(masks, frozenset(), 0)
    return best


def gather(funnel, events, start):
    """One unordered attempt from the event at `start`: {k: time of the k-th distinct step} or None."""
    steps, window = funnel["steps"], milliseconds(funnel.get("window", "14d"))
    at, masks = {}, []
    for event in events[start:]:
        if event["ts"] - events[start]["ts"] > window:
            break
        if event is not events[start] and len(at) < len(steps):
            mask = [step for step in steps if serves(event, step)]
            done = len(at) + 1 == len(steps) and most_steps([*masks, _numbers(steps, event)]) == len(steps)
            if any(fits(event, one) for one in funnel.get("exclude") or []) and not (mask and done):
                return None
        masks.append(_numbers(steps, event))
        if len(at) < most_steps(masks):
            at[len(at) + 1] = event["ts"]
    return at


def _numbers(steps, event):
    return [number for number, step in enumerate(steps) if serves(event, step)]


def best_attempt(funnel, events):
    """{step: time} of the attempt that counts, None without any."""
    start, end = instant(funnel["from"]), instant(funnel["to"])
    unordered = funnel.get("mode") == "unordered"
    best = None
    for place, event in enumerate(events):
        if not start <= event["ts"] < end:
            continue
        if unordered and any(serves(event, step) for step in funnel["steps"]):
            attempt = gather(funnel, events, place)
        elif not unordered and serves(event, funnel["steps"][0]):
            attempt = follow(funnel, events, place)
        else:
            continue
        if attempt and (best is None or max(attempt) >= max(best)):
            best = attempt
    return best


def required_before(funnel, step):
    return max((at for at in range(1, step) if not funnel["steps"][at - 1].get("optional")), default=0)


def summary(funnel, attempts):
    """The `steps` of the report for these attempts."""
    attempts = [one for one in attempts if one]
    rows = []
    for step in range(1, len(funnel["steps"]) + 1):
        before = required_before(funnel, step)
        reached = [one for one in attempts if step in one]
        base = sum(before in one for one in attempts) if before else len(reached)
        first = sum(1 in one for one in attempts)
        took = [(one[step] - one[before]) / 1000 for one in reached if before]
        rows.append(
            {
                "count": len(reached),
                "dropped": sum(max(one) == step for one in reached) if step < len(funnel["steps"]) else 0,
                "from_previous": len(reached) / base if base else 0.0,
                "from_first": len(reached) / first if first else 0.0,
                "average": statistics.fmean(took) if took else None,
                "median": statistics.median(took) if took else None,
            }
        )
    return rows


def report(funnel, events):
    """{"steps": [...], "breakdown": {value: [...]}}."""
    per_unit = journeys(funnel, events)
    answer = {"steps": summary(funnel, [best_attempt(funnel, rows) for rows in per_unit.values()])}
    if funnel.get("breakdown"):
        answer["breakdown"] = broken_down(funnel, per_unit)
    return answer


def broken_down(funnel, per_unit):
    groups = defaultdict(list)
    for rows in per_unit.values():
        for value, part in parted(funnel, rows).items():
            groups[value].append(best_attempt(funnel, part))
    return {value: summary(funnel, tries) for value, tries in groups.items() if any(tries)}


def parted(funnel, rows):
    """A unit's events by value of the breakdown; by first or last touch all are of one value."""
    name, touch = funnel["breakdown"]["property"], funnel["breakdown"].get("touch", "first")
    start, end = instant(funnel["from"]), instant(funnel["to"])
    if touch == "all":
        values = defaultdict(list)
        for event in rows:
            value = read(event, name)
            values["" if value is None else as_text(value)].append(event)
        return values
    seen = [
        as_text(read(event, name))
        for event in rows
        if start <= event["ts"] <= end - 1 + milliseconds(funnel.get("window", "14d"))
        and any(serves(event, step) for step in funnel["steps"])
        and read(event, name) not in (None, "")
    ]
    return {(seen[0] if touch == "first" else seen[-1]) if seen else "": rows}
