"""Values of dialects that write everything as text, and the address that travels beside an event's text. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from tracker.collector.parsed import Reader, Unreadable
from tracker.core.event import RawEvent
from tracker.core.identifiers import day_visitor

_CURRENCY = re.compile(r"[A-Za-z]{3}")
_encode = msgspec.json.Encoder().encode


class Aside(bytes):
    """An event's text without the address a server named for its visitor: the text of a rejected event is kept."""

    ip: str = ""


def aside(fields: dict[str, Any], ip: object = None) -> Aside:
    """The text of an event, and its address beside it."""
    text = Aside(_encode(fields))
    text.ip = ip if isinstance(ip, str) else ""
    return text


def address_of(text: bytes) -> str | None:
    """The address beside a text."""
    return (text.ip or None) if isinstance(text, Aside) else None


def name_strangers(read: Reader, key: bytes, peer: str, agent: str, now: int) -> Reader:
    """Give a server's event without any id of a person the visitor that it names by address, user agent and day.

    `peer` and `agent` stand in where the event says neither; without any address nobody is named. `now` (ms) is the
    time of an event that has none; `key` is the site's.
    """

    def read_one(text: bytes) -> RawEvent | Unreadable:
        raw = read(text)
        if isinstance(raw, Unreadable) or raw.visitor or raw.user or not (raw.ip or peer):
            return raw
        return msgspec.structs.replace(
            raw, visitor=day_visitor(key, raw.ip or peer, raw.ua or agent, now if raw.ts is None else raw.ts)
        )

    return read_one


def pairs_of(query: str | bytes) -> dict[str, str]:
    """A query string or a form: the last of several values wins, and what is not UTF-8 becomes U+FFFD."""
    text = query.decode("utf-8", "replace") if isinstance(query, bytes) else query.encode("utf-8", "replace").decode()
    return dict(parse_qsl(text.lstrip("?"), keep_blank_values=True, errors="replace"))


def text_of(value: object) -> str | None:
    """A text or number as text; None for anything else and for nothing."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return None


def number_of(value: object) -> float | None:
    """A finite number, written as one or as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def currency_of(value: object) -> str | None:
    """Three letters, or None."""
    return value if isinstance(value, str) and _CURRENCY.fullmatch(value) else None


def take_number(fields: dict[str, Any], *names: str) -> float | None:
    """The first of `names` that is a number, taken out of the fields; what is none stays where it was."""
    for name in names:
        number = number_of(fields.get(name))
        if number is not None:
            del fields[name]
            return number
    return None


def take_currency(fields: dict[str, Any], *names: str) -> str | None:
    """The first of `names` that is a currency, taken out of the fields."""
    for name in names:
        currency = currency_of(fields.get(name))
        if currency is not None:
            del fields[name]
            return currency
    return None


def renamed(fields: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The same fields under other names; those without another name keep theirs."""
    return {names.get(name, name): value for name, value in fields.items()}


def item_of(fields: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """An item with GA4's names: numbers are numbers, ids are text, what is empty is left out."""
    item = {name: value for name, value in renamed(fields, names).items() if value not in (None, "", [])}
    for name in ("price", "quantity", "index"):
        number = number_of(item.get(name))
        if number is not None:
            item[name] = number
    if "item_id" in item:
        item["item_id"] = text_of(item["item_id"]) or ""
    return item


def worth(items: Iterable[dict[str, Any]]) -> float | None:
    """GA4: the value of items is the sum of price times quantity; None where no item has a price."""
    found = [
        price * (quantity if (quantity := number_of(item.get("quantity"))) is not None else 1)
        for item in items
        if (price := number_of(item.get("price"))) is not None
    ]
    return sum(found) if found and math.isfinite(sum(found)) else None
