"""Reading other people's fields: texts, numbers, times, and properties fit to be kept. Pure; knows no dialect."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from tracker.collector.clicks import NAMES as CLICK_IDS
from tracker.collector.urls import clean

_CURRENCY = re.compile(r"[A-Za-z]{3}")
_ADDRESS = re.compile(rb'"(\$?ip)"\s*:\s*"([0-9A-Fa-f.:]{3,45})"')
_DEEPEST = 20  # more than an event may have
_FIRST_TOUCH = ("$initial_", "$session_entry_")  # PostHog's prefixes for what a visit began with


class Spoken(bytes):
    """An event's text without the address of the person a server speaks for: the text of a rejected event is kept."""

    ip: str | None = None


def spoken(given: bytes) -> bytes:
    """The same JSON without addresses in `ip` and `$ip`; the last of them travels beside it."""
    if b'ip"' not in given or (found := _ADDRESS.findall(given)) == []:
        return given
    made = Spoken(_ADDRESS.sub(rb'"\1":null', given))
    made.ip = found[-1][1].decode()
    return made


def address(given: bytes) -> str | None:
    """The address beside a text."""
    return given.ip if isinstance(given, Spoken) else None


def text(value: object) -> str | None:
    """A text or number as text; None for anything else and for an empty text."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return None


def number(value: object) -> float | None:
    """A finite number, written as a number or as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def mapping(value: object) -> dict[str, Any]:
    """An object as it is; anything else is empty."""
    return value if isinstance(value, dict) else {}


def currency(value: object) -> str | None:
    """Three letters, or None."""
    return value if isinstance(value, str) and _CURRENCY.fullmatch(value) else None


def millis(value: object) -> int | None:
    """ISO 8601 (UTC where no offset is given) -> milliseconds since the epoch; None for what is no time."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def pairs(query: str | bytes) -> dict[str, str]:
    """A query string or form as pairs: the last of several values wins, what is not UTF-8 becomes U+FFFD."""
    given = query.decode("utf-8", "replace") if isinstance(query, bytes) else query
    found = parse_qsl(given, keep_blank_values=True, errors="replace")
    return {key: value.encode("utf-8", "replace").decode() for key, value in found}


def tidy(props: dict[str, Any], depth: int = 1) -> dict[str, Any]:
    """Properties fit to be kept: nothing that says nothing (null), no click ids, addresses without secrets.

    The event's own URL is where click ids travel: only there the consent gate decides about them. What is nested deeper
    than an event may be is left as it is: the road refuses it.
    """
    if depth > _DEEPEST:
        return props
    return {key: _tidy(value, depth) for key, value in props.items() if value is not None and not _click_id(key)}


def _click_id(key: str) -> bool:
    for prefix in _FIRST_TOUCH:
        key = key.removeprefix(prefix)
    return key in CLICK_IDS


def _tidy(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return clean(value, click_ids=False) if value.startswith(("https://", "http://", "//")) else value
    if isinstance(value, dict):
        return tidy(value, depth + 1)
    if isinstance(value, list) and depth <= _DEEPEST:
        return [_tidy(member, depth + 1) for member in value]
    return value
