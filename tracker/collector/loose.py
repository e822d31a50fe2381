"""Fields of dialects that write everything as text; items and their worth; strangers that get a name. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from tracker.collector.parsed import Reader, Unreadable
from tracker.collector.values import Spoken, currency, number, text
from tracker.core.event import RawEvent
from tracker.core.identifiers import day_visitor

_encode = msgspec.json.Encoder().encode


def aside(fields: dict[str, Any], ip: object = None) -> Spoken:
    """The text of an event, and beside it the address that its server names for the visitor."""
    made = Spoken(_encode(fields))
    made.ip = ip if isinstance(ip, str) and ip else None
    return made


def name_strangers(read: Reader, key: bytes, peer: str, agent: str, now: int) -> Reader:
    """Give a server's event without any id of a person the visitor that it names by address, user agent and day.

    `peer` and `agent` stand in where the event says neither; without any address nobody is named. `now` (ms) is the
    time of an event that has none; `key` is the site's.
    """

    def read_one(given: bytes) -> RawEvent | Unreadable:
        raw = read(given)
        if isinstance(raw, Unreadable) or raw.visitor or raw.user or not (raw.ip or peer):
            return raw
        return msgspec.structs.replace(
            raw, visitor=day_visitor(key, raw.ip or peer, raw.ua or agent, now if raw.ts is None else raw.ts)
        )

    return read_one


def pairs_of(query: str | bytes) -> dict[str, str]:
    """A query string or a form: the last of several values wins, and what is not UTF-8 becomes U+FFFD."""
    given = query.decode("utf-8", "replace") if isinstance(query, bytes) else query.encode("utf-8", "replace").decode()
    return dict(parse_qsl(given.lstrip("?"), keep_blank_values=True, errors="replace"))


def take_number(fields: dict[str, Any], *names: str) -> float | None:
    """The first of `names` that is a number, taken out of the fields; what is none stays where it was."""
    for name in names:
        found = number(fields.get(name))
        if found is not None:
            del fields[name]
            return found
    return None


def take_currency(fields: dict[str, Any], *names: str) -> str | None:
    """The first of `names` that is a currency, taken out of the fields."""
    for name in names:
        found = currency(fields.get(name))
        if found is not None:
            del fields[name]
            return found
    return None


def renamed(fields: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The same fields under other names; those without another name keep theirs."""
    return {names.get(name, name): value for name, value in fields.items()}


def item_of(fields: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """An item with GA4's names: numbers are numbers, ids are text, what is empty is left out."""
    item = {name: value for name, value in renamed(fields, names).items() if value not in (None, "", [])}
    for name in ("price", "quantity", "index"):
        found = number(item.get(name))
        if found is not None:
            item[name] = found
    if "item_id" in item:
        item["item_id"] = text(item["item_id"]) or ""
    return item


def worth(items: Iterable[dict[str, Any]]) -> float | None:
    """GA4: the value of items is the sum of price times quantity; None where no item has a price."""
    found = [
        price * (quantity if (quantity := number(item.get("quantity"))) is not None else 1)
        for item in items
        if (price := number(item.get("price"))) is not None
    ]
    return sum(found) if found and math.isfinite(sum(found)) else None
