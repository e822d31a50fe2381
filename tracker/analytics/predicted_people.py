"""What each buyer and each channel's buyers will do next. Definitions: `docs/reports.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.analytics import btyd, person_card, predicted, request, timeline
from tracker.analytics.predicted import DAY_MS, MOST
from tracker.analytics.priced import price
from tracker.core.errors import BadRequest
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.sql import Fragment

MOST_BUYERS = 500_000
"""Most buyers that are looked at one by one; of more, a random sample."""
ORDERS = ("value", "purchases", "churn")
_WEEK = 7.0  # days


@dataclass(frozen=True, kw_only=True)
class Spec(predicted.Spec):
    """A checked request. `person`: of this one alone ('': of those with the most)."""

    order: str = "value"
    limit: int = 50
    person: str = ""


def parse(body: object) -> Spec:
    """Check a request for `ltv/predicted` with `order`, `limit` and `person`. Raises BadRequest."""
    given = request.fields(body, (*predicted.KEYS, "order", "limit", "person"))
    asked = predicted.parse({name: value for name, value in given.items() if name in predicted.KEYS})
    person = given.get("person", "")
    if not isinstance(person, str) or len(person) > 4096:
        raise BadRequest("person must be a user id or a visitor id", field="person")
    return Spec(
        **vars(asked),
        order=request.choice(given, "order", ORDERS, "value"),
        limit=request.whole(given, "limit", 50, (1, 1000)),
        person=person,
    )


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"currency", "other_currencies", "unconverted", "buyers", "fitted", "people", "channels"}`.

    Raises BadRequest where there are too few to tell, NotFound where `person` is nobody.
    """
    events = events_source(engine)
    priced = price(engine, spec, spec.event, events)
    only = None if not spec.person else timeline.find(engine, spec.site, spec.person)[0]
    rows = buyers(engine, spec, events, priced.amount)
    numbers = np.array(
        [[row[name] for name in ("again", "active", "observed", "paid", "mean")] for row in rows], dtype=np.float64
    ).reshape(-1, 5)
    told = btyd.Histories(numbers[:, 0], numbers[:, 1] / _WEEK, numbers[:, 2] / _WEEK)
    spent = btyd.Spendings(numbers[:, 3], numbers[:, 4])
    some, paid = _first(told, spent)
    predicted.enough(some)
    model, money = predicted.fitted(some, paid)
    ahead = spec.horizon / DAY_MS / _WEEK
    living = btyd.alive(model.parameters, told)
    purchases = btyd.expected_purchases(model.parameters, told, ahead)
    value = purchases * btyd.expected_value(money.parameters, spent) if money else None
    expected = (living, purchases, value)
    everybody = int(rows[0]["buyers"])
    return {
        **predicted.in_what(priced),
        "buyers": everybody,
        "fitted": len(some.x),
        "people": _people(engine, spec, rows, expected, only),
        "channels": [] if spec.person else _channels(rows, expected, (model, money, some, paid, ahead), everybody),
    }


def buyers(engine: Engine, spec: Spec, events: Fragment, amount: Fragment) -> list[dict[str, Any]]:
    """A row a buyer, as `predicted_people.sql` says: who, first touch, so far, and what the models are told of them."""
    asked = predicted.about_buyers("predicted_people", spec, events, amount, MOST_BUYERS)
    return engine.ask(asked).dicts()


_Expected = tuple[btyd.Numbers, btyd.Numbers, btyd.Numbers | None]


def _first(told: btyd.Histories, spent: btyd.Spendings) -> tuple[btyd.Histories, btyd.Spendings]:
    """The buyers that models are fitted to: keys are hashes, so the first are a fair sample."""
    return (
        btyd.Histories(told.x[:MOST], told.t_x[:MOST], told.T[:MOST]),
        btyd.Spendings(spent.n[:MOST], spent.mean[:MOST]),
    )


def _people(
    engine: Engine, spec: Spec, rows: list[dict[str, Any]], expected: _Expected, only: int | None
) -> list[dict[str, Any]]:
    living, purchases, value = expected
    ranked = {"value": purchases if value is None else value, "purchases": purchases, "churn": 1 - living}[spec.order]
    order: list[int] = np.argsort(-ranked, kind="stable")[: spec.limit].tolist()
    if only is not None:
        order = [at for at, row in enumerate(rows) if row["who"] == only]
    cards = person_card.cards(engine, spec.site, "person", [rows[at]["who"] for at in order])
    return [
        {
            **cards[rows[at]["who"]],
            "channel": rows[at]["touched"],
            "purchases_so_far": rows[at]["purchases"],
            "value_so_far": round(rows[at]["money"], 6) + 0.0,
            "churn": float(1 - living[at]) if rows[at]["again"] else None,
            "purchases": float(purchases[at]),
            "value": None if value is None else float(value[at]),
        }
        for at in order
        if rows[at]["who"] in cards
    ]


def _channels(
    rows: list[dict[str, Any]],
    expected: _Expected,
    fit: tuple[btyd.Fit, btyd.Fit | None, btyd.Histories, btyd.Spendings, float],
    buyers: int,
) -> list[dict[str, Any]]:
    """Totals of each channel's buyers; the intervals are those of the sampled buyers, scaled to all of the channel."""
    living, purchases, value = expected
    some = fit[2]
    names = sorted({row["touched"] for row in rows})
    number = {name: at for at, name in enumerate(names)}
    group: NDArray[np.int64] = np.array([number[row["touched"]] for row in rows], dtype=np.int64)
    sampled = group[: len(some.x)]
    drawn = predicted.ranges(*fit, group=sampled, groups=len(names))
    size, seen = (np.bincount(one, minlength=len(names)) for one in (group, sampled))
    whole = buyers / len(rows)  # of more than MOST_BUYERS, the rest is like those

    def told_of(at: int, each: btyd.Numbers, column: int) -> dict[str, float] | None:
        if not seen[at]:
            return None
        middle = float(np.sum(each[group == at])) * whole
        low, high = drawn[at, :, column] * (size[at] / seen[at] * whole)
        return {"expected": middle, "low": min(middle, float(low)), "high": max(middle, float(high))}

    found = []
    for name, at in number.items():
        count = round(int(size[at]) * whole)
        worth = None if value is None else told_of(at, value, 2)
        past = sum(row["money"] for row in rows if row["touched"] == name) * whole
        found.append(
            {
                "channel": name,
                "buyers": count,
                "value_so_far": round(past, 6) + 0.0,
                "ltv_so_far": past / count,
                "alive": told_of(at, living, 0),
                "purchases": told_of(at, purchases, 1),
                "value": worth,
                "ltv": None if worth is None else {key: amount / count for key, amount in worth.items()},
            }
        )
    return sorted(found, key=lambda row: (-row["buyers"], row["channel"]))


def with_costs(answer: dict[str, Any], costs: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """The answer with `cost`, `cac` and `ltv_to_cac` in its channels: what a buyer was worth and is expected to be.

    `costs` is currency -> channel -> cost; other currencies than that of the report are left out.
    """
    spent = costs.get(answer["currency"], {})
    rows = answer["channels"]
    channels = [row | _cost(row, spent[row["channel"]]) if row["channel"] in spent else row for row in rows]
    return {**answer, "channels": channels, "other_cost_currencies": sorted(costs.keys() - {answer["currency"]})}


def _cost(row: Mapping[str, Any], cost: float) -> dict[str, float | None]:
    cac, ahead = cost / row["buyers"], row["ltv"]
    ratio = None if not cac or ahead is None else (row["ltv_so_far"] + ahead["expected"]) / cac
    return {"cost": cost, "cac": cac, "ltv_to_cac": ratio}
