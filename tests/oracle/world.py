"""A little world of events: rows for the store and the same rows for the oracle."""

from __future__ import annotations

import json
import uuid

from funnel_oracle import persons

from tracker.core.identity import user_key, visitor_key
from tracker.store.engine import Query, Rows

TEXT = (
    "site event type visitor user session url path country device browser os channel currency bot"
    " utm_source utm_medium utm_campaign click_id_kind referrer_host"
).split()
ITEMS = "Array(Tuple(item_id String, item_name String, item_category String, price Float64, quantity Float64))"
READ = {"ts": "fromUnixTimestamp64Milli(ts, 'UTC')", "id": "toUUID(id)", "items": f"JSONExtract(items, '{ITEMS}')"}
COLUMNS = [(name, "String") for name in TEXT] + [
    ("key", "UInt64"),
    ("ts", "Int64"),
    ("id", "String"),
    ("arrival", "UInt64"),
    ("seq", "UInt32"),
    ("value", "Nullable(Float64)"),
    ("items", "String"),
    ("props", "String"),
    ("traits", "String"),
]


def event(name, ts, visitor="", **more):
    """One event as the oracle reads it."""
    base = {"event": name, "ts": ts, "visitor": visitor, "user": "", "session": "", "type": "track", "seq": 0}
    return {**base, "props": {}, "traits": {}, **more}


def arrive(chance, events):
    """The events in the order of their arrival, filled in: a sender's order need not be that."""
    chance.shuffle(events)
    for place, one in enumerate(events):
        one["arrival"] = 1_000_000 + 16 * place
    return events


def load(engine, events, site="shop", *, known=None, version=1):
    """Put events and the persons they tell of into the store. Gives the events with `arrival` filled in.

    `known`: all events so far, where these are not the first; `version`: of what they tell. Events may name their site.
    """
    rows, sites = [], {}
    for number, one in enumerate(events):
        one.setdefault("arrival", 1_000_000 + number)
        key = user_key(one["user"]) if one["user"] else visitor_key(one["visitor"])
        texts = [one.get(name, site if name == "site" else "") for name in TEXT]
        rest = [key, one["ts"], str(uuid.UUID(int=one["arrival"])), one["arrival"], one["seq"], one.get("value")]
        items = json.dumps([{"quantity": 1, **item} for item in one.get("items", [])])
        rows.append([*texts, *rest, items, json.dumps(one["props"]), json.dumps(one["traits"])])
    names = ", ".join(f"`{name}`" for name, _ in COLUMNS)
    chosen = ", ".join(READ.get(name, f"`{name}`") for name, _ in COLUMNS)
    engine.command(
        Query(
            text=f"insert into events ({names}) select {chosen} from /*table:rows*/",
            tables={"rows": Rows(columns=COLUMNS, data=rows)},
        )
    )
    for one in events if known is None else known:
        sites.setdefault(one.get("site", site), []).append(one)
    owners = [
        [name, visitor_key(visitor), user_key(user), version]
        for name, told in sites.items()
        for visitor, user in persons(told).items()
    ]
    if owners:
        columns = [("site", "String"), ("key", "UInt64"), ("person", "UInt64"), ("version", "UInt64")]
        engine.command(
            Query(
                text="insert into person_map (site, key, person, version) select * from /*table:rows*/",
                tables={"rows": Rows(columns=columns, data=owners)},
            )
        )
    return events


def flat(steps):
    """The steps of our answer in the oracle's shape."""
    keep = ("count", "dropped", "from_previous", "from_first")
    return [{**{name: step[name] for name in keep}, **step["seconds_from_previous"]} for step in steps]
