"""Which touches led to conversions, by one of eight models. Definitions and sources: `docs/reports.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracker.analytics import request
from tracker.analytics.attribution_models import MODELS, PAIRS, SHARES, removal_effects
from tracker.analytics.funnel_hits import UNITS
from tracker.analytics.money import NO_MONEY, Money
from tracker.analytics.priced import price
from tracker.analytics.request import Range
from tracker.core.errors import BadRequest
from tracker.core.period import duration_ms
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param
from tracker.store.filters import Condition, check_property, parse_condition
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import Params, condition, counted, property_text

DAY_MS = 86_400_000
MAX_STATES = 2_000
"""Most keys of a Markov chain: its matrix has as many rows and columns."""

KEYS = {
    "channel": "channel",
    "source": "multiIf(utm_source != '', toString(utm_source), click_id_kind != '', toString(click_id_kind),"
    " referrer_host != '', toString(referrer_host), channel = 'Direct', '(direct)', '(not set)')",
    "campaign": "if(utm_campaign = '', '(not set)', toString(utm_campaign))",
    "click_id": "if(click_id_kind = '', '(not set)', toString(click_id_kind))",
}
UNTOUCHED = {"channel": "Unassigned"}
"""The key of conversions that no touch led to; `(not set)` where it is not by channel."""

_PACKED = (
    "bitShiftLeft(toUInt128(toUnixTimestamp64Milli(ts) - {read:Int64}), 88)"
    " + bitShiftLeft(toUInt128(seq), 56) + bitAnd(arrival, 72057594037927935)"
)
_NULLS = (
    "arrayConcat(conversions, [(bitNot(toUInt128(0)),"
    " greatest(bitShiftLeft(toUInt128({from:Int64} - {read:Int64}), 88),"
    " arrayMax(arrayPushBack(arrayMap(one -> one.1, conversions), toUInt128(0))) + 1), 0., 0)])"
)


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
        "site",
        "from",
        "to",
        "conversion",
        "value",
        "model",
        "lookback",
        "half_life",
        "by",
        "timezone",
        "currency",
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
    events, key = events_source(engine), Fragment(KEYS[spec.by])
    params = Params("v")
    number = "ifNull(value, 0)"
    if spec.value != "value":
        number = f"ifNull(toFloat64OrNull({property_text(spec.value, params)}), 0)"
    amount, said = Fragment(f"if(isFinite({number}), {number}, 0)", params.values), {}
    if spec.money.currency and spec.value == "value":
        priced = price(engine, spec, spec.conversion, events)
        amount, said = priced.amount, {"currency": priced.currency, "unconverted": priced.unconverted}
    found = engine.ask(_paths(spec, events, key, amount)).dicts()[0]
    credits, amounts = _pairs(found["credits"]), _pairs(found["amounts"])
    if spec.model == "markov":
        credits, amounts = _markov(spec, found)
    names: dict[int, str] = {}
    if credits:
        window: dict[str, Param] = {"site": spec.site, "read": _read(spec), "to": spec.range.end}
        asked = fill(load(__package__, "attribution_keys"), {"key": key, "events": events}, window)
        names = {hashed: name for name, hashed in engine.ask(asked).rows}
    rows = {names[hashed]: [share, amounts.get(hashed, 0.0)] for hashed, share in credits.items()}
    if found["untouched"]:
        untouched = rows.setdefault(UNTOUCHED.get(spec.by, "(not set)"), [0.0, 0.0])
        untouched[0] += found["untouched"]
        untouched[1] += found["untouched_amount"]
    lengths = sorted((int(length), int(times)) for length, times in _pairs(found["lengths"]).items())
    return {
        "rows": [
            {"key": name, "conversions": conversions, "value": amount}
            for name, (conversions, amount) in sorted(rows.items(), key=lambda row: (-row[1][0], row[0]))
        ],
        "conversions": found["conversions"],
        "value": found["amount"],
        **said,
        "path_length": [{"touches": length, "conversions": times} for length, times in lengths],
        "lag_seconds": {name: _seconds(found[f"lag_{name}"]) for name in ("average", "median")},
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


def _paths(spec: Spec, events: Fragment, key: Fragment, amount: Fragment) -> Any:
    converted = condition(spec.conversion)
    shared = {
        "person": Fragment(persons.PERSON),
        "conversion": converted,
        "events": events,
        "persons": persons.join(),
        "counted": counted([spec.conversion]),
    }
    chosen = Fragment("true")
    if spec.model != "markov":
        who = fill(load(__package__, "attribution_converters"), shared)
        chosen = Fragment(f"key global in ({who.text})", who.params)
    journeys = fill(
        load(__package__, "attribution_journeys"),
        {
            **shared,
            "packed": Fragment(_PACKED),
            "visit": Fragment(UNITS["session"]),
            "key": key,
            "amount": amount,
            "nulls": Fragment(_NULLS if spec.model == "markov" else "conversions"),
            "chosen": chosen,
        },
        {
            "site": spec.site,
            "read": _read(spec),
            "from": spec.range.start,
            "to": spec.range.end,
            "lookback": spec.lookback,
            "half_life": spec.half_life,
        },
    )
    return fill(
        load(__package__, "attribution"),
        {
            "journeys": Fragment(journeys.text, journeys.params),
            "shares": Fragment(SHARES[spec.model]),
            "pairs": Fragment(PAIRS if spec.model == "markov" else "0"),
        },
        settings={"join_algorithm": "hash"},
    )


def _read(spec: Spec) -> int:
    """Where reading starts: a day before the earliest touch that can count, so that its visit's beginning is seen."""
    return spec.range.start - spec.lookback - DAY_MS


def _markov(spec: Spec, found: Mapping[str, Any]) -> tuple[dict[int, float], dict[int, float]]:
    """Conversions and amounts by key: the removal effects' shares of what had a touch at all."""
    low = 2**64 - 1
    transitions = {
        (int(pair) >> 64, int(pair) & low): int(times) for pair, times in _pairs(found["transitions"]).items()
    }
    if len({source for source, _ in transitions}) > MAX_STATES:
        raise BadRequest(
            f"there are more than {MAX_STATES} of them in this period: take a shorter one, or go by channel", field="by"
        )
    shares = removal_effects(transitions)
    touched = found["conversions"] - found["untouched"]
    amount = found["amount"] - found["untouched_amount"]
    return (
        {state: share * touched for state, share in shares.items()},
        {state: share * amount for state, share in shares.items()},
    )


def _pairs(found: Any) -> dict[int, float]:
    """What sumMap gives: two arrays."""
    return dict(zip(*found, strict=True)) if found else {}


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
