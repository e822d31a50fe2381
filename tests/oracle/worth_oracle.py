"""What a funnel is worth, unit by unit, from `docs/reports.md`: no sums of squares, no days, no SQL."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from statistics import NormalDist, fmean, pstdev

from funnel_oracle import best_attempt, fits, journeys, milliseconds, parted, serves
from rfm_oracle import factor


def bought(body, rows, attempt):
    """The converting purchase of a unit with this attempt; None without."""
    steps, worth = body["steps"], body["worth"]
    if not attempt or len(steps) not in attempt:
        return None
    begun = attempt[1]
    since = begun if body.get("mode") == "unordered" else attempt[len(steps)]
    until = begun + milliseconds(body.get("window", "14d"))
    last = {name: one for name, one in steps[-1].items() if name != "entry"}
    theirs = [
        one
        for one in rows
        if since <= one["ts"] <= until and (serves(one, last) if worth is True else fits(one, worth))
    ]
    return theirs[0] if theirs else None


def summary(body, tries, currency, rates):
    """`worth` of each step: (attempt, converting purchase) in."""
    tries = [pair for pair in tries if pair[0]]
    rows = []
    for step in range(1, len(body["steps"]) + 1):
        reached = [(attempt, order) for attempt, order in tries if step in attempt]
        stayed = [order for attempt, order in reached if max(attempt) > step]
        if step == len(body["steps"]):
            stayed = [order for _, order in reached]
        dropped = len(reached) - len(stayed)
        orders = [order for _, order in reached if order]
        amounts = [amount(one, currency, rates) for one in orders]
        known = [one for one in amounts if one is not None]
        rows.append(
            {
                "value": sum(known),
                "orders": len(known),
                "unknown": len(amounts) - len(known),
                "average_order": fmean(known) if known else None,
                "per_unit": sum(known) / len(reached) if reached else None,
                "lost": lost(dropped, stayed, currency, rates),
            }
        )
    return rows


def lost(dropped, stayed, currency, rates):
    orders = [order for order in stayed if order]
    known = [one for one in (amount(order, currency, rates) for order in orders) if one is not None]
    buyers, average = len(orders), fmean(known) if known else None
    if not dropped:
        return {"expected": 0.0, "low": 0.0, "high": 0.0}
    if not stayed or (buyers and average is None):
        return None
    expected = dropped * (buyers / len(stayed)) * (average or 0.0)
    if len(known) < 10:
        return {"expected": expected, "low": None, "high": None}
    if len(known) == buyers:
        each = [amount(order, currency, rates) if order else 0.0 for order in stayed]
        error = pstdev(each) / math.sqrt(len(each))
    else:  # an unknown amount is taken for an average one, and as spread as the known ones
        mean, square = expected / dropped, fmean(one**2 for one in known) * buyers / len(stayed)
        error = math.sqrt((square - mean**2) / len(stayed))
    away = dropped * error * NormalDist().inv_cdf(0.95)
    return {"expected": expected, "low": expected - away, "high": expected + away}


def amount(order, currency, rates):
    if order.get("value") is None:
        return None
    rate = factor(order, currency, rates)
    return None if rate is None else order["value"] * rate


def tries_of(body, events):
    """value of the breakdown -> [(attempt, converting purchase)]; None stands for the whole."""
    found = defaultdict(list)
    for rows in journeys(body, events).values():
        attempt = best_attempt(body, rows)
        found[None].append((attempt, bought(body, rows, attempt)))
        for value, part in (parted(body, rows) if body.get("breakdown") else {}).items():
            theirs = best_attempt(body, part)
            found[value].append((theirs, bought(body, rows, theirs)))
    return found


def report(body, events, rates=None):
    """{"currency", "unconverted", "steps": [worth], "breakdown": {value: [worth]}}."""
    found = tries_of(body, events)
    orders = [order for _, order in found[None] if order and order.get("value") is not None]
    often = Counter(one["currency"] for one in orders)
    currency = body.get("currency") or min(often, key=lambda name: (-often[name], name), default="")
    left = defaultdict(float)
    for one in orders:
        if factor(one, currency, rates) is None:
            left[one["currency"] or "XXX"] += one["value"]
    parts = {value: tries for value, tries in found.items() if value is not None and any(pair[0] for pair in tries)}
    return {
        "currency": currency,
        "unconverted": dict(left),
        "steps": summary(body, found[None], currency, rates),
        "breakdown": {value: summary(body, tries, currency, rates) for value, tries in parts.items()},
    }
