"""Which touches led to conversions, by one of eight models. Definitions and sources: `docs/reports.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracker.analytics import request
from tracker.analytics.attribution_facts import facts
from tracker.analytics.attribution_keys import DAY_MS, KEYS, MAX_STATES, names_of
from tracker.analytics.attribution_models import MODELS, removal_effects
from tracker.analytics.money import NO_MONEY, Money
from tracker.analytics.priced import price
from tracker.analytics.request import Range
from tracker.core.errors import BadRequest
from tracker.core.event import LARGEST_AMOUNT
from tracker.core.period import duration_ms
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.filters import Condition, check_property, parse_condition
from tracker.store.sql import Fragment
from tracker.store.where import Params, property_text

UNTOUCHED_KEYS = {"channel": "Unassigned"}
"""The key of conversions that no touch led to; `(not set)` where it is not by channel."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request; `lookback` and `half_life` are milliseconds."""

    site: str
    range: Range
    conversion: Condition
    value: str = "value"
    model: str = "last"
    lookback: int = 30 * DAY_MS
    half_life: int = 7 * DAY_MS
    by: str = "channel"
    timezone: str = "UTC"
    money: Money = NO_MONEY


def parse(body: object) -> Spec:
    """Check the body of `POST /api/v1/reports/attribution`. Raises BadRequest."""
    names = (
        *("site", "from", "to", "timezone", "conversion", "value", "currency"),
        *("model", "lookback", "half_life", "by"),
    )
    given = request.fields(body, names)
    value = given.get("value", "value")
    if not isinstance(value, str):
        raise BadRequest('value must be a property\'s name, like "value" or "props.margin"', field="value")
    check_property(value, "value")
    lookback = duration_ms(given.get("lookback", "30d"), field="lookback")
    if lookback > request.MAX_RANGE_MS:
        raise BadRequest("lookback may be at most 20 years", field="lookback")
    return Spec(
        site=request.site(given),
        range=request.time_range(given),
        conversion=parse_condition(given.get("conversion", {"event": "purchase"}), "conversion"),
        value=value,
        model=request.choice(given, "model", MODELS, "last"),
        lookback=lookback,
        half_life=duration_ms(given.get("half_life", "7d"), field="half_life"),
        by=request.choice(given, "by", tuple(KEYS), "channel"),
        timezone=request.timezone(given),
        money=Money(request.currency(given)),
    )


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """The contract's `rows`, and over all conversions: how many, their value, path length and lag in seconds.

    Where a currency is asked for, `value` is in that one, and what is not known in it is in `unconverted` alone.
    """
    events = events_source(engine)
    amount, said = _amount(spec.value), {}
    if spec.money.currency and spec.value == "value":
        priced = price(engine, spec, spec.conversion, events)
        amount, said = priced.amount, {"currency": priced.currency, "unconverted": priced.unconverted}
    told = facts(engine, spec, events, amount)
    conversions, untouched = sum(told.lengths.values()), told.lengths.get(0, 0)
    credits = told.credits
    if spec.model == "markov":
        credits = _markov(told.chain, conversions - untouched, told.touched)
    names = {**told.names, **(names_of(engine, spec, events, credits.keys() - told.names.keys()) or {})}
    rows: dict[str, list[float]] = {names[key]: list(pair) for key, pair in credits.items()}
    if untouched:
        row = rows.setdefault(UNTOUCHED_KEYS.get(spec.by, "(not set)"), [0.0, 0.0])
        row[0] += untouched
        row[1] += told.untouched
    return {
        "rows": [
            {"key": name, "conversions": credit, "value": amount}
            for name, (credit, amount) in sorted(rows.items(), key=lambda row: (-row[1][0], row[0]))
        ],
        "conversions": conversions,
        "value": told.touched + told.untouched,
        **said,
        "path_length": [{"touches": length, "conversions": times} for length, times in sorted(told.lengths.items())],
        "lag_seconds": {"average": _seconds(told.average), "median": _seconds(told.median)},
    }


def with_costs(answer: dict[str, Any], costs: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """The answer with `cost`, `cac` (cost / conversions) and `roas` (value / cost) in its rows.

    `costs` is currency -> key -> cost. The currency of the report counts, or where it has none the one that most was
    spent in; the others' names are in `other_cost_currencies`. Keys that cost something and brought nothing get a row.
    """
    currency = answer.get("currency") or max(sorted(costs), key=lambda one: sum(costs[one].values()))
    spent = costs.get(currency, {})
    known = {row["key"] for row in answer["rows"]}
    rows = [*answer["rows"], *({"key": key, "conversions": 0.0, "value": 0.0} for key in sorted(spent.keys() - known))]
    return {
        **answer,
        "rows": [row | _cost(row, spent[row["key"]]) if row["key"] in spent else row for row in rows],
        "cost_currency": currency,
        "other_cost_currencies": sorted(costs.keys() - {currency}),
    }


def _cost(row: Mapping[str, Any], cost: float) -> dict[str, float | None]:
    conversions, value = row["conversions"], row["value"]
    return {"cost": cost, "cac": cost / conversions if conversions else None, "roas": value / cost if cost else None}


def _amount(name: str) -> Fragment:
    """What a conversion is worth by a property, as it stands there; 0 for no number, or one beyond `LARGEST_AMOUNT`."""
    params = Params("v")
    number = "ifNull(value, 0)"
    if name != "value":
        number = f"ifNull(toFloat64OrNull({property_text(name, params)}), 0)"
    return Fragment(f"if(abs({number}) <= {LARGEST_AMOUNT}, {number}, 0)", params.values)


def _markov(chain: Mapping[tuple[int, int], int], conversions: int, worth: float) -> dict[int, tuple[float, float]]:
    """Conversions and amounts by key: the removal effects' shares of what had a touch at all."""
    if len({state for state, _ in chain}) > MAX_STATES:
        raise BadRequest(
            f"there are more than {MAX_STATES} of them in this period: take a shorter one, or go by channel", field="by"
        )
    shares = removal_effects(chain)
    return {state: (share * conversions, share * worth) for state, share in shares.items()}


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
