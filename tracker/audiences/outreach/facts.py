"""What is known of a person that says whether, why and when to contact them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tracker.core.site import Site
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.sql import Fragment, fill, load

DAY_MS = 86_400_000
_RECENT = 30 * DAY_MS
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One person; times are ms, 0: never. `hours`: hour of the week -> events; `spent`: in `currency`."""

    intent: float
    purchases: int
    bought_at: int
    spent: float
    currency: str
    checkout_at: int
    cart_at: int
    cart_worth: float
    cart_currency: str
    viewed: int
    item_seen: str
    asked_at: int
    asked_slot: str
    hours: dict[int, int]

    @property
    def value(self) -> tuple[float, str]:
        """What is at stake: the cart that is open, else an average purchase; with its currency."""
        if max(self.checkout_at, self.cart_at) > self.bought_at and self.cart_worth > 0:
            return round(self.cart_worth, 2), self.cart_currency
        return (round(self.spent / self.purchases, 2), self.currency) if self.purchases and self.spent else (0.0, "")

    @property
    def score(self) -> float:
        """Intent times one plus the decimal logarithm of one plus the value: ten times the money doubles, not more."""
        return round(self.intent * (1 + math.log10(1 + self.value[0])), 3)

    def reason(self, now_ms: int) -> str:
        """Why to call, in one sentence: the strongest thing they did since they last bought."""
        worth = f" ({self.cart_worth:.2f} {self.cart_currency})".rstrip() if self.cart_worth else ""
        if self.asked_at > max(self.bought_at, now_ms - _RECENT):
            return f"asked for a call on {_day(self.asked_at)}"
        if self.checkout_at > max(self.bought_at, now_ms - _RECENT):
            return f"began a checkout{worth} on {_day(self.checkout_at)} and did not buy"
        if self.cart_at > max(self.bought_at, now_ms - _RECENT):
            return f"put things into the cart{worth} on {_day(self.cart_at)} and did not buy"
        if self.viewed:
            last = f", last {self.item_seen}" if self.item_seen else ""
            return f"looked at products {self.viewed} times in 7 days{last}"
        if self.bought_at:
            return f"bought {self.purchases} times, last on {_day(self.bought_at)}"
        return "is in the audience"

    def best_time(self, timezone: str, now_ms: int) -> str:
        """The time they asked for; else the hour of the day in which they are here most, and the day of the week."""
        if self.asked_slot and self.asked_at > now_ms - _RECENT:
            return f"as asked: {self.asked_slot}"
        if not self.hours:
            return ""
        of_day, of_week = dict.fromkeys(range(24), 0), dict.fromkeys(range(7), 0)
        for hour, events in self.hours.items():
            of_day[hour % 24] += events
        best = max(of_day, key=lambda hour: (of_day[hour], -hour))
        for hour, events in self.hours.items():
            of_week[hour // 24] += events if hour % 24 == best else 0
        day = max(of_week, key=lambda one: (of_week[one], -one))
        return f"{best:02}:00-{(best + 1) % 24:02}:00, mostly {_DAYS[day]} ({timezone})"


def facts(engine: Engine, site: Site, people: Sequence[int], now_ms: int) -> dict[int, Facts]:
    """Person's key -> what is known; who has no events is not in it."""
    query = fill(
        load(__package__, "facts"),
        {
            "person": Fragment(persons.PERSON),
            "events": events_source(engine),
            "persons": persons.join(),
            "theirs": persons.keys_of("people"),
        },
        {"site": site.name, "people": list(people), "now": now_ms, "timezone": site.timezone},
    )
    found: dict[int, Facts] = {}
    for row in engine.ask(query).dicts():
        spent = dict(zip(*row["spent"], strict=True))
        found[int(row["who"])] = Facts(
            intent=float(row["intent"]),
            purchases=int(row["purchases"]),
            bought_at=int(row["bought_at"]),
            spent=round(float(spent.get(row["spent_in"], 0.0)), 2),
            currency=row["spent_in"],
            checkout_at=int(row["checkout_at"]),
            cart_at=int(row["cart_at"]),
            cart_worth=float(row["cart_worth"]),
            cart_currency=row["cart_in"],
            viewed=int(row["viewed"]),
            item_seen=row["item_seen"],
            asked_at=int(row["asked_at"]),
            asked_slot=row["asked_slot"],
            hours={int(hour): int(events) for hour, events in zip(*row["hours"], strict=True)},
        )
    return found


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).date().isoformat()
