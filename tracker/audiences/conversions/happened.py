"""Asks the store for the events that a network is to be told of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tracker.audiences.conversions.spec import Told
from tracker.networks.conversions import Conversion, Happened, Item
from tracker.networks.conversions.conversion import DAY_MS
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import Params, condition_sql, property_text

AT_ONCE = 50_000
_ORDER = ("props.transaction_id", "props.order_id", "props.orderId")
_ITEMS = ("item_ids", "item_names", "categories", "prices", "quantities")


@dataclass(frozen=True)
class Found:
    """An event: the person's key, the ledger's key of the event, and what a network would be told."""

    person: int
    number: int
    event: Happened


def found(
    engine: Engine, site: str, conversion: Conversion, told: Told, *, since: int, until: int
) -> Iterator[list[Found]]:
    """Events from `since` (ms) to `until`, the oldest of each list first; about `AT_ONCE` in a list."""
    params = Params("c")
    which = Fragment(
        ", ".join(f"{condition_sql(one.condition, params)}, {n}" for n, one in enumerate(told.events, 1)), params.values
    )
    events = events_source(engine)
    counted = fill(
        load(__package__, "how_many"),
        {"events": events, "which": which},
        {"site": site, "from": since, "to": until},
    )
    shares = max(1, -(-int(engine.ask(counted).rows[0][0]) // AT_ONCE))
    names = Params("p")
    orders = ", ".join(f"nullIf({property_text(one, names)}, '')" for one in _ORDER)
    own = "if(message_id = '', toString(id), message_id)"
    if told.event_id != "id":
        own = f"ifNull(nullIf({property_text(told.event_id, names)}, ''), {own})"
    for share in range(shares):
        query = fill(
            load(__package__, "happened"),
            {
                "person": Fragment(persons.PERSON),
                "events": events,
                "persons": persons.join(),
                "which": which,
                "event_id": Fragment(own, names.values),
                "order_id": Fragment(f"coalesce({orders}, '')"),
            },
            {
                "site": site,
                "kinds": list(conversion.clicks),
                "click_life": conversion.click_days * DAY_MS,
                "clicks_from": max(0, since - conversion.click_days * DAY_MS),
                "from": since,
                "to": until,
                "shares": shares,
                "share": share,
            },
        )
        if rows := engine.ask(query).dicts():
            yield [
                Found(
                    int(row["who"]),
                    int(row["number"]),
                    Happened(
                        id=row["event_id"],
                        name=told.events[int(row["n"]) - 1].send_as,
                        ts=int(row["at"]),
                        url=row["url"],
                        value=float(row["value"]) if row["value"] else None,
                        currency=row["currency"],
                        order=row["order_id"],
                        items=tuple(Item(*one) for one in zip(*(row[name] for name in _ITEMS), strict=True)),
                        clicks={
                            kind: (int(at), click)
                            for kind, at, click in zip(conversion.clicks, row["clicked"], row["click_ids"], strict=True)
                            if click
                        },
                    ),
                )
                for row in rows
            ]
