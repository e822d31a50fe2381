"""What buyers will do next: who stays, how often they buy and for how much, with intervals. See `docs/reports.md`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.analytics import btyd, request, rfm
from tracker.analytics.priced import Priced, price
from tracker.core.errors import BadRequest
from tracker.core.period import duration_ms
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Query
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import condition, counted

KEYS = ("site", "from", "to", "event", "currency", "horizon", "timezone")
DAY_MS = 86_400_000
MAX_HORIZON_MS = 5 * 366 * DAY_MS
MOST = 20_000
"""Most buyers that a model is fitted to; of more, a random sample."""
LEAST = 50
"""Fewest buyers who bought again, and (for money) who paid something, for there to be a model."""
FUTURES = 400
_WEEK = 7.0  # days


@dataclass(frozen=True, kw_only=True)
class Spec(rfm.Spec):
    """A checked request: that of RFM, and how far to look ahead (milliseconds)."""

    horizon: int


def parse(body: object) -> Spec:
    """Check a request with the keys `KEYS`. Raises BadRequest."""
    given = request.fields(body, KEYS)
    horizon = duration_ms(given.get("horizon", "365d"), field="horizon")
    if not DAY_MS <= horizon <= MAX_HORIZON_MS:
        raise BadRequest("horizon must be 1d to 1830d", field="horizon")
    asked = rfm.parse({key: value for key, value in given.items() if key != "horizon"})
    return Spec(**vars(asked), horizon=horizon)


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """Totals over all buyers, each with its 90 % interval. Raises BadRequest where there are too few to tell."""
    events = events_source(engine)
    priced = price(engine, spec, spec.event, events)
    rows = summaries(engine, spec, events, priced.amount)
    told = btyd.Histories(rows[:, 0], rows[:, 1] / _WEEK, rows[:, 2] / _WEEK)
    enough(told)
    buyers = int(rows[0, 5])
    found = forecast(told, btyd.Spendings(rows[:, 3], rows[:, 4]), spec.horizon / DAY_MS / _WEEK, buyers)
    return {**in_what(priced), "buyers": buyers, "fitted": len(rows), **found}


def in_what(priced: Priced) -> dict[str, Any]:
    """What an answer says about the currency of its money."""
    return {"currency": priced.currency, "other_currencies": priced.others, "unconverted": priced.unconverted}


def summaries(engine: Engine, spec: Spec, events: Fragment, amount: Fragment) -> btyd.Numbers:
    """A row a buyer: purchases after the first, days active and observed, days paid, their mean, and all buyers."""
    asked = about_buyers("predicted", spec, events, amount, MOST)
    return np.array(engine.ask(asked).rows, dtype=np.float64).reshape(-1, 6)


def about_buyers(name: str, spec: Spec, events: Fragment, amount: Fragment, most: int) -> Query:
    """The question of one .sql file about at most `most` buyers; `amount`: SQL, what a purchase is worth."""
    return fill(
        load(__package__, name),
        {
            "person": Fragment(persons.PERSON),
            "events": events,
            "persons": persons.join(),
            "counted": counted([spec.event]),
            "event": condition(spec.event),
            "amount": amount,
        },
        {
            "site": spec.site,
            "from": spec.range.start,
            "to": spec.range.end,
            "timezone": spec.timezone,
            "most": most,
        },
    )


def enough(told: btyd.Histories) -> None:
    """Raise BadRequest where too few buyers came again for there to be a model."""
    if (again := int(np.sum(told.x > 0))) < LEAST:
        raise BadRequest(
            f"{again} buyers of this range bought again on another day; {LEAST} are needed: take a longer range",
            code="too_few",
            field="from",
        )


def fitted(told: btyd.Histories, spent: btyd.Spendings) -> tuple[btyd.Fit, btyd.Fit | None]:
    """The model of purchases, and that of money where enough buyers paid something."""
    paid = spent.n > 0
    money = btyd.fit_values(btyd.Spendings(spent.n[paid], spent.mean[paid])) if int(np.sum(paid)) >= LEAST else None
    return btyd.fit_purchases(told), money


def ranges(
    model: btyd.Fit,
    money: btyd.Fit | None,
    told: btyd.Histories,
    spent: btyd.Spendings,
    ahead: float,
    *,
    group: NDArray[np.int64],
    groups: int,
) -> btyd.Numbers:
    """The middle nine tenths of drawn futures: for each group low and high of (alive, purchases, value) together.

    `group` is the number, 0 to `groups` - 1, of the group that each buyer is in.
    """
    chance = np.random.default_rng(2005)  # the same question has the same answer
    futures = np.zeros((FUTURES, groups, 3))
    priced = money.draws(chance, FUTURES) if money else None
    for at, drawn in enumerate(model.draws(chance, FUTURES)):
        living, bought = btyd.future(chance, drawn, told, ahead)
        worth = np.zeros(len(told.x)) if priced is None else btyd.future_value(chance, priced[at], spent, bought)
        for column, each in enumerate((living, bought, worth)):
            futures[at, :, column] = np.bincount(group, weights=each, minlength=groups)
    found: btyd.Numbers = np.moveaxis(np.quantile(futures, (0.05, 0.95), axis=0), 0, 1)
    return found


def forecast(told: btyd.Histories, spent: btyd.Spendings, ahead: float, buyers: int) -> dict[str, Any]:
    """Model, `alive`, `churned`, `purchases`, `value` and `ltv` of `buyers`; `told` are all of them or a sample.

    Futures are drawn, each with parameters as uncertain as the data leave them and with the buyers' own chance; an
    interval holds nine tenths of them, and what is expected (of the likeliest parameters, which may be at an edge).
    """
    model, money = fitted(told, spent)
    times = buyers / len(told.x)
    together = np.zeros(len(told.x), dtype=np.int64)
    [(low, high)] = ranges(model, money, told, spent, ahead, group=together, groups=1) * times
    purchases = btyd.expected_purchases(model.parameters, told, ahead)
    alive = float(np.sum(btyd.alive(model.parameters, told))) * times
    value = float(np.sum(purchases * btyd.expected_value(money.parameters, spent))) * times if money else None

    def told_of(expected: float, column: int) -> dict[str, float]:
        least, most = min(expected, float(low[column])), max(expected, float(high[column]))
        return {"expected": expected, "low": least, "high": most}

    worth_of = None if value is None else told_of(value, 2)
    living_of = told_of(alive, 0)
    lost = {to: 1 - living_of[of] / buyers for to, of in (("expected", "expected"), ("low", "high"), ("high", "low"))}
    return {
        "model": dict(zip(("r", "alpha", "a", "b"), model.parameters, strict=True)),
        "money_model": dict(zip(("p", "q", "gamma"), money.parameters, strict=True)) if money else None,
        "alive": living_of,
        "churned": lost,
        "purchases": told_of(float(np.sum(purchases)) * times, 1),
        "value": worth_of,
        "ltv": None if worth_of is None else {name: amount / buyers for name, amount in worth_of.items()},
    }
