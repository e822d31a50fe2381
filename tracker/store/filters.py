"""Filters and conditions of the contract, checked. `where.py` turns them into SQL.

A filter is `{"property", "op", "value"}`, a condition on an event `{"event", "where": [filter, ...]}`: all hold.

Properties: the columns in `COLUMNS`; `props.x` and `traits.x`, nested by dots (`props.cart.total`); `items.item_id` and
its siblings, true where any item of the event fits.

Missing values. A column that is empty or null, a JSON key that is absent or null, an empty list of items: all missing.
A missing property is not equal to anything and contains nothing: `ne`, `not_in` and `not_exists` hold, every other
operator fails. An empty string in `props` or `traits` is a value, an empty column is missing.

Kinds. `eq ne in not_in` compare by the kind of the given value: a number equals a number or a text that reads as that
number ("5" equals 5, "5.0" equals 5); a text equals the same text, and a number written that way; true and false equal
JSON booleans and the texts "true" and "false". `gt gte lt lte` with a number compare as numbers, and what is no number
does not match; with a text they compare as texts by code point, which orders dates written as YYYY-MM-DD.
`contains` and `regex` (RE2) look at the text, with case.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tracker.core.errors import BadRequest

TEXTS = (
    "event type visitor user session group url host path referrer referrer_host title channel utm_source utm_medium "
    "utm_campaign utm_term utm_content click_id_kind click_id country device os os_version browser browser_version bot "
    "language timezone screen currency mode library source message_id"
).split()
NUMBERS = ("value", "seq", "analytics", "ads", "gpc")
COLUMNS = (*TEXTS, *NUMBERS)
ITEM_TEXTS = ("item_id", "item_name", "item_category")
ITEM_NUMBERS = ("price", "quantity")
OPS = ("eq", "ne", "in", "not_in", "contains", "regex", "gt", "gte", "lt", "lte", "exists", "not_exists")

_MAX_VALUES = 10_000
_MAX_TEXT = 4096

Value = str | float | bool


class UnknownKey(BadRequest):
    """A key that nobody would read, of the object at `field` ("": the whole); `allowed`: those that somebody would."""

    def __init__(self, key: str, allowed: Sequence[str], field: str) -> None:
        path = (f"{field}.{key}" if field else key)[:200]
        super().__init__(f"{path} is unknown; allowed here: {', '.join(allowed)}", field=path)
        self.key, self.allowed, self.inside = key, tuple(allowed), field

    def allowing(self, allowed: Sequence[str]) -> UnknownKey:
        """The same where other keys are allowed."""
        return UnknownKey(self.key, allowed, self.inside)


@dataclass(frozen=True)
class Filter:
    """One checked filter. `values` has one entry but for `in` and `not_in` (any number) and `exists` (none)."""

    property: str
    op: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Condition:
    """One checked condition: an event's name (`*` is any) and filters that must all hold."""

    event: str
    where: tuple[Filter, ...] = ()


def parse_filter(body: object, field: str, beside: Sequence[str] = ()) -> Filter:
    """Check one filter; `beside`: keys that the caller reads. Raises BadRequest that names the field."""
    if not isinstance(body, Mapping):
        raise BadRequest(f"{field} must be an object with property, op and value", field=field)
    only_keys(body, ("property", "op", "value", *beside), field)
    name = body.get("property")
    if not isinstance(name, str) or not name:
        raise BadRequest(f"{field}.property must be a property's name", field=f"{field}.property")
    check_property(name, f"{field}.property")
    op = body.get("op")
    if op not in OPS:
        raise BadRequest(f"{field}.op must be one of {', '.join(OPS)}", field=f"{field}.op")
    return Filter(name, str(op), _values(str(op), body, f"{field}.value"))


def parse_filters(body: object, field: str) -> tuple[Filter, ...]:
    """Check a list of filters; None is an empty list. Raises BadRequest."""
    if body is None:
        return ()
    if not isinstance(body, Sequence) or isinstance(body, str):
        raise BadRequest(f"{field} must be a list of filters", field=field)
    if len(body) > 100:
        raise BadRequest(f"{field} has more than 100 filters", field=field)
    return tuple(parse_filter(one, f"{field}[{at}]") for at, one in enumerate(body))


def parse_condition(body: object, field: str) -> Condition:
    """Check `{"event", "where"}`. Raises BadRequest that names the field."""
    if not isinstance(body, Mapping):
        raise BadRequest(f'{field} must be an object like {{"event": "purchase"}}', field=field)
    only_keys(body, ("event", "where"), field)
    return Condition(
        event_name(body.get("event"), f"{field}.event"), parse_filters(body.get("where"), f"{field}.where")
    )


def event_name(name: object, field: str) -> str:
    """Check an event's name. Raises BadRequest."""
    if not isinstance(name, str) or not name or len(name) > _MAX_TEXT:
        raise BadRequest(f'{field} must be an event\'s name, or "*" for any event', field=field)
    return name


def check_property(name: str, field: str) -> None:
    """Raise BadRequest unless there is such a property."""
    head, _, rest = name.partition(".")
    if head in ("props", "traits") and rest and all(rest.split(".")) and len(rest) <= _MAX_TEXT:
        return
    if head == "items" and rest in (*ITEM_TEXTS, *ITEM_NUMBERS):
        return
    if name in COLUMNS:
        return
    raise BadRequest(
        f"{field}: there is no property {name[:80]!r}; use props.<name>, traits.<name>, "
        + ", ".join(f"items.{one}" for one in (*ITEM_TEXTS, *ITEM_NUMBERS))
        + f" or one of {', '.join(COLUMNS)}",
        field=field,
    )


def only_keys(body: Mapping[str, object], allowed: Sequence[str], field: str) -> None:
    """Raise UnknownKey at the first key that nobody would read."""
    for key in body:
        if key not in allowed:
            raise UnknownKey(str(key), allowed, field)


def _values(op: str, body: Mapping[str, object], field: str) -> tuple[Value, ...]:
    value = body.get("value")
    if op in ("exists", "not_exists"):
        if value is not None and value is not True:
            raise BadRequest(f"{field} must be true or left out with {op}", field=field)
        return ()
    if op in ("in", "not_in"):
        if not isinstance(value, Sequence) or isinstance(value, str) or not value or len(value) > _MAX_VALUES:
            raise BadRequest(f"{field} must be a list of 1 to {_MAX_VALUES} values", field=field)
        return tuple(_scalar(one, f"{field}[{at}]") for at, one in enumerate(value))
    checked = _scalar(value, field)
    if op in ("contains", "regex") and not isinstance(checked, str):
        raise BadRequest(f"{field} must be a text with {op}", field=field)
    if op in ("gt", "gte", "lt", "lte") and isinstance(checked, bool):
        raise BadRequest(f"{field} must be a number or a text with {op}", field=field)
    if op == "regex":
        _check_regex(str(checked), field)
    return (checked,)


def _scalar(value: object, field: str) -> Value:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    if isinstance(value, str) and len(value) <= _MAX_TEXT and "\0" not in value:
        try:
            value.encode()
        except UnicodeEncodeError:
            pass
        else:
            return value
    raise BadRequest(
        f"{field} must be a text of up to {_MAX_TEXT} characters, a finite number, true or false", field=field
    )


def _check_regex(pattern: str, field: str) -> None:
    """Refuse what Python cannot read either; syntax that only RE2 has is left to the engine to check."""
    if re.search(r"\(\?(?:[=!>]|<[=!])", pattern) or re.search(r"(?<!\\)(?:\\\\)*\\[1-9]", pattern):
        raise BadRequest(f"{field}: look-around and back-references are not supported (RE2)", field=field)
    if re.search(r"\\[pPzQC]|\[\[:", pattern):
        return
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        raise BadRequest(f"{field} is not a regular expression that RE2 can read", field=field) from None
