"""A little world of events: rows for the store and the same rows for the oracle."""

from __future__ import annotations

import json
import time
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
    _insert(engine, _rows(events, site))
    _own(engine, _owners(events if known is None else known, site, version))
    _link(engine, events, site)
    return events


def load_hard(engine, chance, events, site="shop"):
    """As `load`, as a bad week leaves it: in four inserts that are late and out of order, three events in ten twice
    (the same row of the same sorting key, as a repeated insert writes it), the months in doubt, and owners that an
    older version of the map gave to somebody else.
    """
    rows = _rows(events, site)
    chance.shuffle(rows)
    months = sorted({time.gmtime(one["ts"] // 1000)[:2] for one in events})
    doubts = [(year * 100 + month, 1, 1) for year, month in months]
    kinds = [("month", "UInt32"), ("open", "UInt8"), ("version", "UInt64")]
    _put(engine, "insert into doubts (month, open, version) select * from /*table:rows*/", kinds, doubts)
    for part in range(4):
        _insert(engine, rows[part::4])
    _insert(engine, chance.sample(rows, k=len(rows) * 3 // 10))
    owners = _owners(events, site, 2)
    persons_known = [person for _, _, person, _ in owners]
    _own(engine, [[name, key, chance.choice(persons_known), 1] for name, key, _, _ in owners if chance.random() < 0.5])
    _own(engine, owners)
    _link(engine, events, site)
    stored = engine.ask(Query(text="select count(), uniqExact(id) from events")).rows[0]
    assert stored[0] > stored[1], "nothing is there twice"
    return events


def _rows(events, site):
    rows = []
    for number, one in enumerate(events):
        one.setdefault("arrival", 1_000_000 + number)
        key = user_key(one["user"]) if one["user"] else visitor_key(one["visitor"])
        texts = [one.get(name, site if name == "site" else "") for name in TEXT]
        rest = [key, one["ts"], str(uuid.UUID(int=one["arrival"])), one["arrival"], one["seq"], one.get("value")]
        items = json.dumps([{"quantity": 1, **item} for item in one.get("items", [])])
        rows.append([*texts, *rest, items, json.dumps(one["props"]), json.dumps(one["traits"])])
    return rows


def _insert(engine, rows):
    names = ", ".join(f"`{name}`" for name, _ in COLUMNS)
    chosen = ", ".join(READ.get(name, f"`{name}`") for name, _ in COLUMNS)
    _put(engine, f"insert into events ({names}) select {chosen} from /*table:rows*/", COLUMNS, rows)


def _owners(events, site, version):
    sites = {}
    for one in events:
        sites.setdefault(one.get("site", site), []).append(one)
    return [
        [name, visitor_key(visitor), user_key(user), version]
        for name, told in sites.items()
        for visitor, user in persons(told).items()
    ]


def _own(engine, owners):
    columns = [("site", "String"), ("key", "UInt64"), ("person", "UInt64"), ("version", "UInt64")]
    text = "insert into person_map (site, key, person, version) select * from /*table:rows*/"
    if owners:
        _put(engine, text, columns, owners)


def _link(engine, events, site):
    """What the loader notes of visitors who were seen with a user."""
    columns = [("site", "String"), ("source", "String"), ("target", "String"), ("ts", "Int64"), ("arrival", "UInt64")]
    seen = [one for one in events if one["visitor"] and one["user"]]
    rows = [[one.get("site", site), one["visitor"], one["user"], one["ts"], one["arrival"]] for one in seen]
    text = (
        "insert into identity_links (site, kind, source, target, ts, arrival)"
        " select site, 'identify', source, target, fromUnixTimestamp64Milli(ts, 'UTC'), arrival from /*table:rows*/"
    )
    if rows:
        _put(engine, text, columns, rows)


def _put(engine, text, columns, rows):
    engine.command(Query(text=text, tables={"rows": Rows(columns=columns, data=rows)}))


def flat(steps):
    """The steps of our answer in the oracle's shape."""
    keep = ("count", "dropped", "from_previous", "from_first")
    return [{**{name: step[name] for name in keep}, **step["seconds_from_previous"]} for step in steps]
