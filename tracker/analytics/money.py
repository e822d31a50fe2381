"""Amounts of several currencies in one: at the rate of the event's day, or of the last day before it that has one.

What cannot be converted is said, currency by currency, and is in no sum.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NO_CURRENCY = "XXX"
"""ISO 4217's code for an amount without a currency."""

Rates = Mapping[str, Mapping[str, Sequence[tuple[str, float]]]]
"""Base -> currency -> (day, what one unit of the currency is worth in the base), the oldest first."""


@dataclass(frozen=True)
class Money:
    """The currency that a report is in ('': none) and what is known of the others."""

    currency: str = ""
    rates: Rates = field(default_factory=dict)

    def rate(self, currency: str, day: str) -> float | None:
        """What one unit is worth on a day (YYYY-MM-DD) in the report's currency; None where that is not known."""
        if currency == self.currency:
            return 1.0
        for base, known in self.rates.items():
            ours, theirs = _on(base, known, self.currency, day), _on(base, known, currency, day)
            if ours and theirs:
                return theirs / ours
        return None

    def converted(self, amounts: Iterable[tuple[str, str, float]]) -> dict[str, Any]:
        """(day, currency, amount) -> `{"currency", "amount", "unconverted": {currency: amount}}`."""
        total, left = 0.0, defaultdict[str, float](float)
        for day, currency, amount in amounts:
            rate = self.rate(currency, day)
            if rate is None:
                left[currency or NO_CURRENCY] += amount
            else:
                total += amount * rate
        return {
            "currency": self.currency,
            "amount": round(total, 4),
            "unconverted": {name: round(amount, 4) for name, amount in sorted(left.items())},
        }


NO_MONEY = Money()
"""A report that converts nothing."""


def split(amounts: Any) -> list[tuple[str, str, float]]:
    """What SQL adds up by `concat(day, currency)` -> (day, currency, amount)."""
    pairs = amounts.items() if isinstance(amounts, Mapping) else zip(*amounts, strict=True) if amounts else ()
    return [(key[:10], key[10:], float(amount)) for key, amount in pairs]


def by_currency(amounts: Iterable[tuple[str, str, float]]) -> dict[str, float]:
    """Amounts as they stand, to a hundredth of a cent, so that sums of floats look like sums."""
    sums: dict[str, float] = defaultdict(float)
    for _, currency, amount in amounts:
        sums[currency or NO_CURRENCY] += amount
    return {currency: round(amount, 4) for currency, amount in sums.items()}


def _on(base: str, known: Mapping[str, Sequence[tuple[str, float]]], currency: str, day: str) -> float | None:
    if currency == base:
        return 1.0
    days = known.get(currency, ())
    place = bisect_right(days, day, key=lambda one: one[0])
    return days[place - 1][1] if place else None
