"""Small histories put straight into the store, without collector and loader: for tests of what is asked of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tracker.core.identity import user_key, visitor_key
from tracker.store.engine import Engine, Query, Rows

COLUMNS = (
    ("site", "String"),
    ("event", "String"),
    ("key", "UInt64"),
    ("ts", "Int64"),
    ("id", "String"),
    ("arrival", "UInt64"),
    ("seq", "UInt32"),
    ("visitor", "String"),
    ("user", "String"),
    ("session", "String"),
    ("url", "String"),
    ("country", "String"),
    ("device", "String"),
    ("channel", "String"),
    ("bot", "String"),
    ("value", "Nullable(Float64)"),
    ("currency", "String"),
    ("props", "String"),
    ("traits", "String"),
    ("analytics", "Int8"),
    ("ads", "Int8"),
    ("gpc", "UInt8"),
)
HEARD = 2**62  # an arrival so far ahead that no membership runs out
_INSERT = "insert into events ({names}) select {values} from /*table:rows*/"  # one block, like the loader's

History = Sequence[Mapping[str, Any]]


def put(engine: Engine, history: Iterable[Mapping[str, Any]], site: str = "shop") -> None:
    """Store events (`event`, `ts` in ms and what else is wanted) and who their visitors were identified as."""
    rows = [complete(event, at, site) for at, event in enumerate(history)]
    names = ", ".join(f"`{name}`" for name, _ in COLUMNS)
    values = ", ".join(
        {"ts": "fromUnixTimestamp64Milli(ts, 'UTC')", "id": "toUUID(id)"}.get(name, f"`{name}`") for name, _ in COLUMNS
    )
    data = [[row[name] for name, _ in COLUMNS] for row in rows]
    if data:
        engine.command(
            Query(text=_INSERT.format(names=names, values=values), tables={"rows": Rows(columns=COLUMNS, data=data)})
        )
    links = [[site, visitor_key(visitor), user_key(user), 1] for visitor, user in identities(rows).items()]
    if links:
        columns = [("site", "String"), ("key", "UInt64"), ("person", "UInt64"), ("version", "UInt64")]
        text = "insert into person_map (site, key, person, version) select * from /*table:links*/"
        for node in engine.nodes() if engine.cluster else [engine]:  # every node has the whole map
            node.command(Query(text=text, tables={"links": Rows(columns=columns, data=links)}))


def put_members(engine: Engine, site: str, audiences: Mapping[str, Iterable[int]]) -> None:
    """Store members, by their keys, as a refresh would: inside, and they may leave the house."""
    rows = [
        (site, audience, person, 1, "event", 0, "", "exportable", 1, "exposed", 1, 1)
        for audience, people in audiences.items()
        for person in people
    ]
    names = "site audience person entered entered_by left_at left_by verdict granted arm armed version".split()
    kinds = "String String UInt64 Int64 String Int64 String String UInt8 String Int64 UInt64".split()
    given = Rows(columns=list(zip(names, kinds, strict=True)), data=rows)
    for table in ("members_by_person", "members"):
        text = f"insert into {table} ({', '.join(names)}) select * from /*table:given*/"
        engine.command(Query(text=text, tables={"given": given}))


def complete(event: Mapping[str, Any], at: int, site: str) -> dict[str, Any]:
    """A full row; `at` stands for the order of arrival."""
    plain: dict[str, Any] = {name: "" for name, kind in COLUMNS if kind == "String"}
    numbers = {"seq": 0, "analytics": -1, "ads": -1, "gpc": 0, "value": None}
    row = {**plain, **numbers, "site": site, "arrival": HEARD + at, "id": str(uuid.UUID(int=at + 1)), **event}
    row["props"], row["traits"] = (json.dumps(row[name] or {}) for name in ("props", "traits"))
    row["key"] = user_key(row["user"]) if row["user"] else visitor_key(row["visitor"])
    return row


def identities(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Visitor -> the first user it was seen with, by time, then arrival."""
    known: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: (row["ts"], row["arrival"])):
        if row["user"] and row["visitor"]:
            known.setdefault(row["visitor"], row["user"])
    return known
