"""What buyers have been worth so far, by month of the first purchase and by channel. Definitions: `docs/reports.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from tracker.analytics import calendar, request, rfm
from tracker.analytics.calendar import Calendar
from tracker.analytics.priced import price
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import condition, counted

MAX_MONTHS = 240


@dataclass(frozen=True, kw_only=True)
class Spec(rfm.Spec):
    """A checked request: that of RFM, and the months of a time zone."""

    calendar: Calendar


def parse(body: object) -> Spec:
    """Check `{"site", "from", "to", "event", "currency", "timezone"}`. Raises BadRequest."""
    given = request.fields(body, ("site", "from", "to", "event", "currency", "timezone"))
    asked = rfm.parse(given)
    months = calendar.calendar(
        asked.range, "month", timezone=asked.timezone, week_start="monday", most=MAX_MONTHS, field="from"
    )
    return Spec(**vars(asked), calendar=months)


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"currency", "other_currencies", "unconverted", "cohorts", "channels"}`, and what all are worth."""
    events = events_source(engine)
    priced = price(engine, spec, spec.event, events)
    did = {"did": condition(spec.event), "events": events, "counted": counted([spec.event])}
    buyers = fill(load(__package__, "who_did"), did)
    query = fill(
        load(__package__, "ltv"),
        {
            "person": Fragment(persons.PERSON),
            "month": Fragment(spec.calendar.number("ts"), {"timezone": spec.calendar.timezone}),
            "events": events,
            "persons": persons.join(),
            "counted": counted([spec.event]),
            "buyers": Fragment(f"key global in ({buyers.text})", buyers.params),
            "event": condition(spec.event),
            "amount": priced.amount,
        },
        {"site": spec.site, "from": spec.range.start, "to": spec.range.end},
        settings={"join_algorithm": "hash"},  # as in funnels: the map of persons is small
    )
    rows = engine.ask(query).dicts()
    channels = [{"channel": row["touched"], **_worth(row)} for row in rows if row["touched"]]
    cohorts = {row["cohort"]: row for row in rows if not row["touched"]}
    whole = {name: sum(row[name] for row in channels) for name in ("buyers", "purchases", "value")}
    return {
        "currency": priced.currency,
        "other_currencies": priced.others,
        "unconverted": priced.unconverted,
        **whole,
        "ltv": _ratio(whole["value"], whole["buyers"]),
        "cohorts": [_cohort(spec, at, cohorts.get(at, _NOBODY)) for at in range(len(spec.calendar.starts))],
        "channels": sorted(channels, key=lambda row: (-row["buyers"], row["channel"])),
    }


def with_costs(answer: dict[str, Any], costs: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """The answer with `cost`, `cac` (cost / buyers) and `ltv_to_cac` in its channels.

    `costs` is currency -> channel -> cost. Only costs in the currency of the report count, as money is not converted;
    the other currencies' names are in `other_cost_currencies`. A channel that cost something and won nobody gets a row.
    """
    spent = costs.get(answer["currency"], {})
    known = {row["channel"] for row in answer["channels"]}
    rows = [*answer["channels"], *({"channel": name, **_worth(_NOBODY)} for name in sorted(spent.keys() - known))]
    return {
        **answer,
        "channels": [row | _cost(row, spent[row["channel"]]) if row["channel"] in spent else row for row in rows],
        "other_cost_currencies": sorted(costs.keys() - {answer["currency"]}),
    }


_NOBODY: Mapping[str, Any] = {"buyers": 0, "purchases": 0, "by_month": ((), ())}


def _worth(row: Mapping[str, Any]) -> dict[str, Any]:
    value = round(sum(row["by_month"][1]), 6) + 0.0
    return {
        "buyers": row["buyers"],
        "purchases": row["purchases"],
        "value": value,
        "ltv": _ratio(value, row["buyers"]),
    }


def _cohort(spec: Spec, at: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """One month's buyers; `cumulative[k]`: what one of them was worth on average when the k-th month after it ended."""
    money = dict(zip(*row["by_month"], strict=True))
    sums = accumulate(money.get(month, 0.0) for month in range(at, len(spec.calendar.starts)))
    cumulative = [round(total / row["buyers"], 6) for total in sums] if row["buyers"] else []
    return {"start": spec.calendar.starts[at].isoformat(), **_worth(row), "cumulative": cumulative}


def _cost(row: Mapping[str, Any], cost: float) -> dict[str, float | None]:
    cac = _ratio(cost, row["buyers"])
    return {"cost": cost, "cac": cac, "ltv_to_cac": _ratio(row["ltv"], cac) if cac else None}


def _ratio(over: float, under: float) -> float | None:
    return over / under if under else None
