"""What all reports check alike: an object, no unknown keys, a site, a time range, a time zone, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from tracker.core import rates
from tracker.core.errors import BadRequest
from tracker.core.period import instant_ms
from tracker.store.filters import only_keys

MAX_RANGE_MS = 20 * 366 * 86_400_000


@dataclass(frozen=True)
class Range:
    """Milliseconds since the epoch; `start` is included, `end` is not."""

    start: int
    end: int


def fields(body: object, allowed: Sequence[str], path: str = "") -> Mapping[str, Any]:
    """The body as an object without unknown keys. Raises BadRequest."""
    if not isinstance(body, Mapping):
        raise BadRequest(f"{path or 'the body'} must be a JSON object", field=path or None)
    only_keys(body, allowed, path)
    return body


def site(body: Mapping[str, Any], path: str = "") -> str:
    """The site's name. Raises BadRequest."""
    name = body.get("site")
    if not isinstance(name, str) or not name:
        raise BadRequest(f"{path}site must be a site's name", field=f"{path}site")
    return name


def time_range(body: Mapping[str, Any], path: str = "") -> Range:
    """`from` and `to`. Raises BadRequest."""
    start = instant_ms(body.get("from"), field=f"{path}from")
    end = instant_ms(body.get("to"), field=f"{path}to")
    if end <= start:
        raise BadRequest(f"{path}to must be later than {path}from", field=f"{path}to")
    if end - start > MAX_RANGE_MS:
        raise BadRequest(f"{path}from and {path}to may lie at most 20 years apart", field=f"{path}from")
    return Range(start, end)


def whole(body: Mapping[str, Any], name: str, default: int, bounds: tuple[int, int], path: str = "") -> int:
    """A whole number within bounds, both included. Raises BadRequest."""
    least, most = bounds
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadRequest(f"{path}{name} must be a whole number from {least} to {most}", field=f"{path}{name}")
    return value


def choice(body: Mapping[str, Any], name: str, allowed: Sequence[str], default: str, path: str = "") -> str:
    """One of a few words. Raises BadRequest."""
    value = body.get(name, default)
    if not isinstance(value, str) or value not in allowed:
        raise BadRequest(f"{path}{name} must be one of {', '.join(allowed)}", field=f"{path}{name}")
    return value


def flag(body: Mapping[str, Any], name: str, *, default: bool = False, path: str = "") -> bool:
    """True or false. Raises BadRequest."""
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise BadRequest(f"{path}{name} must be true or false", field=f"{path}{name}")
    return value


def timezone(body: Mapping[str, Any], path: str = "") -> str:
    """An IANA time zone, UTC by default; the API fills in the site's. Raises BadRequest."""
    name = body.get("timezone", "UTC")
    if not isinstance(name, str) or name not in available_timezones():
        raise BadRequest(f"{path}timezone must be an IANA name like Europe/Berlin", field=f"{path}timezone")
    return name


def currency(body: Mapping[str, Any]) -> str:
    """The currency to convert to; '' by default: the API fills in the site's. Raises BadRequest."""
    code = body.get("currency") or ""
    return rates.currency(code, "currency") if code != "" else ""
