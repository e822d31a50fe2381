"""Money of several currencies in one where it is added up person by person or path by path: in the store.

The rate of a day is looked up here, and SQL gets it for the days and currencies that the events have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tracker.analytics.money import NO_CURRENCY, Money
from tracker.analytics.request import Range
from tracker.store.engine import Engine
from tracker.store.filters import Condition
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import condition, counted


class Spec(Protocol):
    """A checked question about money; `money.currency` '': that of most events."""

    @property
    def site(self) -> str:
        """Its name."""
        ...

    @property
    def range(self) -> Range:
        """The range that all amounts are of."""
        ...

    @property
    def timezone(self) -> str:
        """Whose days the rates are of."""
        ...

    @property
    def money(self) -> Money:
        """The currency and the rates that are known."""
        ...


@dataclass(frozen=True)
class Priced:
    """The currency of a report; `amount`: SQL, what an event's `value` is worth in it, 0 where that is not known.

    `others`: how many events have a value that is not known in it; `unconverted`: those amounts by currency.
    """

    currency: str
    amount: Fragment
    others: int = 0
    unconverted: Mapping[str, float] = field(default_factory=dict)


def price(engine: Engine, spec: Spec, event: Condition, events: Fragment) -> Priced:
    """What the events that fulfil `event` are to be counted in."""
    query = fill(
        load(__package__, "priced"),
        {"events": events, "counted": counted([event]), "event": condition(event)},
        {"site": spec.site, "from": spec.range.start, "to": spec.range.end, "timezone": spec.timezone},
    )
    rows = engine.ask(query).dicts()
    often: Counter[str] = Counter()
    for row in rows:
        often[row["currency"]] += row["purchases"]
    currency = spec.money.currency or min(often, key=lambda one: (-often[one], one), default="")
    money = Money(currency, spec.money.rates)
    keys, rates, left, others = [], [], dict[str, float](), 0
    for row in rows:
        rate = money.rate(row["currency"], row["day"])
        if rate is None:
            others += row["purchases"]
            name = row["currency"] or NO_CURRENCY
            left[name] = left.get(name, 0.0) + row["amount"]
        elif row["currency"] != currency:
            keys.append(row["day"] + row["currency"])
            rates.append(rate)
    amounts = {name: round(amount, 4) for name, amount in sorted(left.items())}
    return Priced(currency, _amount(currency, keys, rates, spec.timezone), others, amounts)


def _amount(currency: str, keys: list[str], rates: list[float], timezone: str) -> Fragment:
    params: dict[str, Any] = {"currency": currency}
    rate = "0."
    if keys:
        params |= {"priced_keys": keys, "priced_rates": rates, "priced_zone": timezone}
        day = "toString(toDate(ts, {priced_zone:String}))"
        rate = f"transform(concat({day}, currency), {{priced_keys:Array(String)}}, {{priced_rates:Array(Float64)}}, 0.)"
    value = "if(isFinite(ifNull(value, 0)), ifNull(value, 0), 0.)"
    return Fragment(f"({value} * if(currency = {{currency:String}}, 1., {rate}))", params)
