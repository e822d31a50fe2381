"""Cells and parameters between Python and ClickHouse, so that both engines give and take the same.

Out: str, int, float, bool, None, lists, tuples and dictionaries of those. NaN and infinity, which JSON cannot hold, are
None; dates, times, UUIDs, IP addresses and decimals are text as ClickHouse writes it.
In: text for `{name:Type}` parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from tracker.store.engine import Param

Convert = Callable[[Any], Any]

_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"}
_TSV = str.maketrans(_ESCAPES)
_LITERAL = str.maketrans({**_ESCAPES, "'": "\\'"})


def quoted(text: str) -> str:
    """A ClickHouse string literal."""
    return f"'{text.translate(_LITERAL)}'"


def parameter_text(value: Param) -> str:
    """The text of a parameter as ClickHouse reads it: strings escaped as in TSV, arrays as literals."""
    if isinstance(value, str):
        return value.translate(_TSV)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return "[" + ",".join(quoted(item) if isinstance(item, str) else parameter_text(item) for item in value) + "]"


def split_type(text: str) -> tuple[str, list[str]]:
    """`Tuple(a String, b Array(UInt8))` -> ("Tuple", ["a String", "b Array(UInt8)"]).

    >>> split_type("UInt8")
    ('UInt8', [])
    """
    outer, _, rest = text.partition("(")
    if not rest:
        return outer, []
    inner, depth, parts, quote = "", 0, [], False
    for char in rest[:-1]:
        quote ^= char in "'`"
        depth += 0 if quote else (char == "(") - (char == ")")
        if char == "," and depth == 0 and not quote:
            parts.append(inner.strip())
            inner = ""
        else:
            inner += char
    return outer, [*parts, inner.strip()]


def _member_type(member: str) -> str:
    """The type of a tuple's member, named (`price Float64`) or not (`Float64`)."""
    head, space, tail = member.partition(" ")
    return tail if space and "(" not in head else member


def from_json(kind: str) -> Convert | None:
    """How to turn a JSON cell of this ClickHouse type into ours; None where nothing needs to be done."""
    outer, inner = split_type(kind)
    if outer.startswith("Float"):
        return lambda cell: None if cell is None else float(cell)
    if outer in ("Nullable", "LowCardinality"):
        return from_json(inner[0])
    if outer == "Array":
        each = from_json(inner[0])
        return None if each is None else lambda cell: [each(item) for item in cell]
    if outer == "Tuple":
        members = [from_json(_member_type(member)) or _same for member in inner]
        return lambda cell: tuple(member(item) for member, item in zip(members, cell, strict=True))
    return None


def from_driver(kind: str) -> Convert | None:
    """How to turn a cell of clickhouse-driver into ours; None where nothing needs to be done."""
    outer, inner = split_type(kind)
    if outer.startswith("Float"):
        return lambda cell: cell if cell is not None and math.isfinite(cell) else None
    if outer.startswith("DateTime64"):
        return _timestamp(int(inner[0]))
    if outer.startswith(("UUID", "Date", "IPv", "Decimal", "Enum")):
        return _plain
    if outer in ("Nullable", "LowCardinality"):
        return from_driver(inner[0])
    if outer == "Array":
        each = from_driver(inner[0])
        return None if each is None else lambda cell: [each(item) for item in cell]
    if outer == "Tuple":
        members = [from_driver(_member_type(member)) or _same for member in inner]
        return lambda cell: tuple(member(item) for member, item in zip(members, cell, strict=True))
    return None


def convert(rows: Sequence[tuple[Any, ...]], converts: Sequence[Convert | None]) -> list[tuple[Any, ...]]:
    """Apply one conversion a column."""
    if all(each is None for each in converts):
        return list(rows)
    known = [each or _same for each in converts]
    return [tuple([each(cell) for each, cell in zip(known, row, strict=True)]) for row in rows]


def _same(cell: Any) -> Any:
    return cell


def _timestamp(digits: int) -> Convert:
    def write(cell: Any) -> Any:
        if cell is None:
            return None
        whole = cell.strftime("%Y-%m-%d %H:%M:%S")
        return f"{whole}.{cell.microsecond:06d}"[: len(whole) + 1 + digits] if digits else whole

    return write


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, date):
        return cell.isoformat()
    return None if cell is None else str(cell)
