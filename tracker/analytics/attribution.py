"""Which touches led to conversions, by one of eight models. Definitions and sources: `docs/reports.md`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tracker.analytics import request
from tracker.analytics.attribution_models import MODELS, SHARES, TRANSITIONS, removal_effects
from tracker.analytics.money import NO_MONEY, Money
from tracker.analytics.priced import price
from tracker.analytics.request import Range
from tracker.core.errors import BadRequest
from tracker.core.period import duration_ms
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Query
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

_CREDIT, _LENGTH, _TOUCHED, _UNTOUCHED, _LOOSE = 3, 4, 5, 6, 7  # kinds of rows of attribution.sql; others are states
_NONE: Mapping[str, Any] = {"times": 0, "amounts": 0.0, "average": None, "median": None}
_PLACE = (
    "bitShiftLeft(toUInt128(toUnixTimestamp64Milli(ts) - {read:Int64}), 88)"
    " + bitShiftLeft(toUInt128(seq), 56) + bitAnd(arrival, 72057594037927935)"
)
_BEFORE = "arrayPopBack(arrayPushFront({}, 0))"
_BEGUN_ORIGINS = "arrayFilter((origin, begin) -> begin, arraySort((origin, p) -> p, origins, arrivals), begins)"
_TOUCHES = (
    "arrayFilter((p, before, origin, origin_before) -> before = 0 or toUInt64(bitShiftRight(p, 64)) != 0"
    " or bitShiftRight(p, 216) - bitShiftRight(before, 216) > 1800000"
    " or (bitAnd(toUInt64(p), 1) = 0 and origin != origin_before),"
    f" begun, {_BEFORE.format('begun')}, {_BEGUN_ORIGINS}, {_BEFORE.format(_BEGUN_ORIGINS)})"
)
_ORIGIN = "xxHash64(channel, utm_source, utm_campaign, click_id_kind, referrer_host)"
# Ends of paths: amount, milliseconds, the first and the last place where a touch may be, whether it is a conversion.
_CONVERSIONS = (
    "arrayMap(p -> (reinterpretAsFloat64(toUInt64(p)), toInt64(bitShiftRight(p, 216)),"
    " bitShiftLeft(toUInt256(bitShiftRight(p, 216) - {lookback:Int64}), 216), bitOr(p, bitNot(toUInt128(0))), true),"
    " conversions)"
)
_NOTHING = (
    "(0., toInt64(0), greatest(bitShiftLeft(toUInt256({from:Int64} - {read:Int64}), 216),"
    " bitShiftLeft(bitShiftRight(arrayMax(arrayPushBack(conversions, toUInt256(0))), 128) + 1, 128)),"
    " bitNot(toUInt256(0)), false)"
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
    facts = engine.ask(query(spec, events, amount)).dicts()
    if any(fact["kind"] == _LOOSE for fact in facts):
        facts = engine.ask(query(spec, events, amount, loose=True)).dicts()
    found: dict[int, dict[int, dict[str, Any]]] = defaultdict(dict)
    for fact in facts:
        found[fact["kind"]][fact["name"]] = fact
    touched, untouched = found[_TOUCHED].get(0, _NONE), found[_UNTOUCHED].get(0, _NONE)
    credits = {key: (fact["credit"], fact["amounts"]) for key, fact in found[_CREDIT].items()}
    if spec.model == "markov":
        chain = {
            (state, to): fact["times"]
            for state in found
            if not _CREDIT <= state <= _LOOSE
            for to, fact in found[state].items()
        }
        credits = _markov(chain, touched)
    names = _names(engine, spec, events, credits)
    rows: dict[str, list[float]] = {names[key]: list(pair) for key, pair in credits.items()}
    if untouched["times"]:
        row = rows.setdefault(UNTOUCHED.get(spec.by, "(not set)"), [0.0, 0.0])
        row[0] += untouched["times"]
        row[1] += untouched["amounts"]
    return {
        "rows": [
            {"key": name, "conversions": conversions, "value": amount}
            for name, (conversions, amount) in sorted(rows.items(), key=lambda row: (-row[1][0], row[0]))
        ],
        "conversions": touched["times"] + untouched["times"],
        "value": touched["amounts"] + untouched["amounts"],
        **said,
        "path_length": [
            {"touches": length, "conversions": fact["times"]} for length, fact in sorted(found[_LENGTH].items())
        ],
        "lag_seconds": {name: _seconds(touched[name]) for name in ("average", "median")},
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
    """What a conversion is worth by a property, as it stands there."""
    params = Params("v")
    number = "ifNull(value, 0)"
    if name != "value":
        number = f"ifNull(toFloat64OrNull({property_text(name, params)}), 0)"
    return Fragment(f"if(isFinite({number}), {number}, 0)", params.values)


def query(spec: Spec, events: Fragment, amount: Fragment, *, loose: bool = False) -> Query:
    """The whole report as one query. `loose`: arrivals may lack a session; without, it says so."""
    conversions = {
        "conversion": condition(spec.conversion),
        "events": events,
        "counted": counted([spec.conversion]),
    }
    markov, chosen = spec.model == "markov", Fragment("true")
    if not markov:
        converted = {"did": condition(spec.conversion), "events": events, "counted": counted([spec.conversion])}
        who = fill(load(__package__, "who_did"), converted)
        chosen = Fragment(f"key global in ({who.text})", who.params)
    journeys = fill(
        load(__package__, "attribution_journeys"),
        {
            **conversions,
            "person": Fragment(persons.PERSON),
            "persons": persons.join(),
            "place": Fragment(_PLACE),
            "hash": Fragment(f"xxHash64({KEYS[spec.by]})"),
            "origin": Fragment(f", {_ORIGIN} as origin" if loose else ""),
            "no_origin": Fragment(", toUInt64(0) as origin" if loose else ""),
            "origins": Fragment(", groupArrayIf(origin, not converted) as origins" if loose else ""),
            "touches": Fragment(_TOUCHES if loose else "begun"),
            "loose": Fragment("false" if loose else "has(visits, 0)"),
            "amount": amount,
            "chosen": chosen,
        },
        {"site": spec.site, "read": _read(spec), "from": spec.range.start, "to": spec.range.end},
    )
    return fill(
        load(__package__, "attribution"),
        {
            "journeys": Fragment(journeys.text, journeys.params),
            "ends": Fragment(f"arrayConcat({_CONVERSIONS}, [{_NOTHING}])" if markov else _CONVERSIONS),
            "shares": Fragment(SHARES[spec.model]),
            "facts": Fragment(f"arrayConcat(if(converted, sums, []), {TRANSITIONS})" if markov else "sums"),
        },
        {"lookback": spec.lookback, "half_life": spec.half_life},
        settings={"join_algorithm": "hash"},
    )


def _read(spec: Spec) -> int:
    """Where reading starts: a day before the earliest touch that can count, so that its visit's beginning is seen."""
    return spec.range.start - spec.lookback - DAY_MS


def _markov(chain: Mapping[tuple[int, int], int], touched: Mapping[str, Any]) -> dict[int, tuple[float, float]]:
    """Conversions and amounts by key: the removal effects' shares of what had a touch at all."""
    if len({state for state, _ in chain}) > MAX_STATES:
        raise BadRequest(
            f"there are more than {MAX_STATES} of them in this period: take a shorter one, or go by channel", field="by"
        )
    shares = removal_effects(chain)
    return {state: (share * touched["times"], share * touched["amounts"]) for state, share in shares.items()}


def _names(engine: Engine, spec: Spec, events: Fragment, keys: Iterable[int]) -> dict[int, str]:
    """What the hashes of keys stand for."""
    wanted = sorted(keys)
    if not wanted:
        return {}
    few = len(wanted) <= MAX_STATES
    asked = fill(
        load(__package__, "attribution_keys"),
        {
            "key": Fragment(KEYS[spec.by]),
            "events": events,
            "wanted": Fragment("hash in {keys:Array(UInt64)}", {"keys": wanted}) if few else Fragment("true"),
        },
        {"site": spec.site, "read": _read(spec), "to": spec.range.end, "limit": len(wanted) if few else 2**63},
    )
    return {hashed: str(name) for name, hashed in engine.ask(asked).rows}


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
