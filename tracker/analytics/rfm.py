"""Recency, frequency and monetary value of buyers: scores from 1 to 5, and segments named after them.

Definitions: `docs/reports.md`. Fifths of a ranking of recency, frequency and money go back to A. M. Hughes, Strategic
Database Marketing (1994); the names of the segments are those that most tools use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracker.analytics import request
from tracker.analytics.money import NO_MONEY, Money
from tracker.analytics.priced import price
from tracker.analytics.request import Range
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Query
from tracker.store.filters import Condition, parse_condition
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import condition, counted

SEGMENTS = (
    ("champions", "r >= 4 and fm >= 4"),
    ("loyal", "r = 3 and fm >= 4"),
    ("potential_loyalists", "r >= 4 and fm >= 2"),
    ("new_customers", "r = 5"),
    ("promising", "r = 4"),
    ("need_attention", "r = 3 and fm = 3"),
    ("about_to_sleep", "r = 3"),
    ("cannot_lose", "r <= 2 and fm = 5"),
    ("at_risk", "r <= 2 and fm >= 3"),
    ("hibernating", "r = 2"),
    ("lost", "true"),
)
"""Name and condition on the scores, the first that holds. `fm` is the mean of frequency and money, half rounded up."""

NAMES = tuple(name for name, _ in SEGMENTS)
PURCHASE = Condition("purchase")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request. `money.currency` "": the one of most purchases."""

    site: str
    range: Range
    event: Condition = PURCHASE
    timezone: str = "UTC"
    money: Money = NO_MONEY


def parse(body: object) -> Spec:
    """Check `{"site", "from", "to", "event", "currency", "timezone"}`. Raises BadRequest."""
    given = request.fields(body, ("site", "from", "to", "event", "currency", "timezone"))
    return Spec(
        site=request.site(given),
        range=request.time_range(given),
        event=parse_condition(given["event"], "event") if given.get("event") is not None else PURCHASE,
        timezone=request.timezone(given),
        money=Money(request.currency(given)),
    )


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"currency", "buyers", "other_currencies", "unconverted", "segments": [...], "cells": [...]}`."""
    events = events_source(engine)
    priced = price(engine, spec, spec.event, events)
    rows = engine.ask(fill(load(__package__, "rfm"), {"buyers": buyers(spec, events, priced.amount)})).dicts()
    segments = [row for row in rows if row["segment"]]
    total = sum(row["people"] for row in segments)
    by_name = {row["segment"]: row for row in segments}
    return {
        "currency": priced.currency,
        "buyers": total,
        "other_currencies": priced.others,
        "unconverted": priced.unconverted,
        "segments": [_segment(name, by_name.get(name), total) for name in NAMES],
        "cells": [{key: row[key] for key in ("r", "f", "m", "people")} for row in rows if not row["segment"]],
    }


def buyers(spec: Spec, events: Fragment, amount: Fragment) -> Fragment:
    """A subquery of buyers: `who`, `days` since the last purchase, `purchases`, `money`, scores and `segment`.

    `amount`: SQL, what a purchase is worth.
    """
    pairs = ", ".join(f"{test}, '{name}'" for name, test in SEGMENTS[:-1])
    query = fill(
        load(__package__, "rfm_buyers"),
        {
            "person": Fragment(persons.PERSON),
            "segment": Fragment(f"multiIf({pairs}, '{NAMES[-1]}')"),
            "amount": amount,
            "events": events,
            "persons": persons.join(),
            "counted": counted([spec.event]),
            "event": condition(spec.event),
        },
        {"site": spec.site, "from": spec.range.start, "to": spec.range.end},
    )
    return Fragment(query.text, query.params)


def main_currency(spec: Spec, events: Fragment) -> Fragment:
    """The currency of most purchases as a subquery of one value; '' where there is no purchase with a value."""
    query = currencies(spec, events)
    text = f"(select argMin(currency, (-toInt64(purchases), currency)) from ({query.text}))"  # noqa: S608 - our own text
    return Fragment(text, query.params)


def in_currency(currency: Fragment) -> Fragment:
    """SQL: what a purchase is worth in one currency, where nothing is converted."""
    text = f"if(currency = {currency.text} and isFinite(ifNull(value, 0)), ifNull(value, 0), 0.)"
    return Fragment(text, currency.params)


def currencies(spec: Spec, events: Fragment) -> Query:
    """Currencies and numbers of purchases, the most frequent first."""
    return fill(
        load(__package__, "rfm_currencies"),
        {"events": events, "counted": counted([spec.event]), "event": condition(spec.event)},
        {"site": spec.site, "from": spec.range.start, "to": spec.range.end},
    )


def currency_of(engine: Engine, spec: Spec, events: Fragment) -> tuple[str, int]:
    """The currency of the report, and how many purchases with a value have another one."""
    found = {str(currency): int(purchases) for currency, purchases in engine.ask(currencies(spec, events)).rows}
    chosen = spec.money.currency or next(iter(found), "")
    return chosen, sum(found.values()) - found.get(chosen, 0)


def _segment(name: str, row: dict[str, Any] | None, total: int) -> dict[str, Any]:
    if row is None:
        nothing = {"people": 0, "purchases": 0, "value": 0.0, "share": 0.0}
        return {"segment": name, **nothing, "days_since_purchase": None}
    return {
        "segment": name,
        "people": row["people"],
        "purchases": row["purchases"],
        "value": round(row["money"], 4),
        "share": row["people"] / total,
        "days_since_purchase": row["days"],
    }
