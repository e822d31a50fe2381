"""A mapping file: which column or key of a row becomes which field of a native event.

    {"each": "events",                       JSON only: the list inside a line whose items are the events
     "fields": {
       "visitor": "session",                 a column (JSON: a dotted path; of the item first, then of the line)
       "name": {"column": "type", "values": {"clicks": "view_item"}, "default": "other"},
       "type": {"const": "track"},
       "ts": "ts",                           ms or s since the epoch, or RFC 3339 (without an offset: UTC)
       "props.cohort": "user_cohort",
       "item.item_id": {"column": "aid", "prefix": "p"}}}

`item.` fields make one item, `props.`, `traits.` and `consent.` fields fill those objects. Empty cells are left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from tracker.core.errors import BadRequest

FIELDS = frozenset(
    "id type name ts visitor user session seq url referrer title value currency previous group language timezone "
    "screen".split()
)
GROUPS = ("props", "traits", "consent", "item")
_NUMBERS = frozenset({"value", "seq", "item.price", "item.quantity"})
_EPOCH = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_MILLISECONDS_FROM = 100_000_000_000  # as seconds this would be the year 5138, as milliseconds it is 1973


class FieldMap:
    """A checked mapping file."""

    def __init__(self, document: object) -> None:
        """Raises BadRequest naming the entry that is wrong."""
        if not isinstance(document, dict) or not isinstance(document.get("fields"), dict) or not document["fields"]:
            raise BadRequest('the mapping must be like {"fields": {"visitor": "column", ...}}', code="bad_mapping")
        if unknown := document.keys() - {"each", "fields"}:
            why = f"the mapping has an unknown key: {sorted(unknown)[0]}; it takes each and fields"
            raise BadRequest(why, code="bad_mapping")
        self.each: str | None = document.get("each")
        self.fields: dict[str, dict[str, Any]] = {
            name: _checked(name, rule) for name, rule in document["fields"].items()
        }

    def events(self, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The native events of one row. Raises BadRequest for a row that does not fit."""
        if self.each is None:
            yield self._event(row, {})
            return
        items = row.get(self.each)
        if not isinstance(items, list):
            raise BadRequest(f"{self.each} is not a list", field=self.each)
        for item in items:
            if not isinstance(item, dict):
                raise BadRequest(f"an entry of {self.each} is not an object", field=self.each)
            yield self._event(item, row)

    def _event(self, row: Mapping[str, Any], outer: Mapping[str, Any]) -> dict[str, Any]:
        event: dict[str, Any] = {}
        for name, rule in self.fields.items():
            value = _value(rule, row, outer)
            if value is None or value == "":
                continue
            if name in _NUMBERS:
                value = _number(name, value)
            elif name == "ts":
                value = time_ms(value)
            elif name in FIELDS or name.startswith("item."):
                value = str(value)
            group, _, key = name.partition(".")
            if not key:
                event[name] = value
            elif group == "item":
                event.setdefault("items", [{}])[0][key] = value
            else:
                event.setdefault(group, {})[key] = value
        return event


def _checked(name: str, rule: object) -> dict[str, Any]:
    group, _, key = name.partition(".")
    if not (name in FIELDS or (group in GROUPS and key)):
        raise BadRequest(
            f"the mapping fills {name}, which is no field of an event (docs/import.md lists them)",
            code="bad_mapping",
            field=name,
        )
    if isinstance(rule, str):
        return {"column": rule}
    if (
        isinstance(rule, dict)
        and not rule.keys() - {"column", "values", "default", "const", "prefix"}
        and ("column" in rule) != ("const" in rule)
        and isinstance(rule.get("values", {}), dict)
    ):
        return rule
    raise BadRequest(
        f'the mapping of {name} must be a column name, {{"column", "values"?, "default"?, "prefix"?}} or {{"const"}}',
        code="bad_mapping",
        field=name,
    )


def _value(rule: dict[str, Any], row: Mapping[str, Any], outer: Mapping[str, Any]) -> Any:
    if "const" in rule:
        return rule["const"]
    value = _look(row, rule["column"])
    if value is None:
        value = _look(outer, rule["column"])
    if "values" in rule:
        value = rule["values"].get(str(value), rule.get("default", value))
    if value is None or value == "":
        value = rule.get("default")
    return f"{rule['prefix']}{value}" if "prefix" in rule and value is not None else value


def _look(row: Mapping[str, Any], path: str) -> Any:
    """The column of this very name, else the value at the dotted path."""
    if path in row:
        return row[path]
    found: Any = row
    for part in path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def _number(name: str, value: Any) -> float | int:
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise BadRequest(f"{name} is not a number", field=name)
    return int(number) if name == "seq" else number


def time_ms(value: Any) -> int:
    """Milliseconds since the epoch from ms, s, or RFC 3339. Raises BadRequest."""
    try:
        if isinstance(value, int | float) or _EPOCH.fullmatch(str(value)):
            number = float(value)
            return round(number if abs(number) >= _MILLISECONDS_FROM else number * 1000)
        moment = datetime.fromisoformat(str(value))
        return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise BadRequest("ts is neither a number nor a time like 2026-11-01T00:00:00Z", field="ts") from None
