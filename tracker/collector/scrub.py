"""Looking at free-form values once: how large, how deep, and whether they point at a person. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NamedTuple

import msgspec

from tracker.collector import clicks
from tracker.collector.urls import blank
from tracker.core.identifiers import kind_of

_DEEPEST = 64  # counting stops there; every limit is below it
_CONTACT = ("email", "phone")
_QUOTED_PHONE = re.compile(r"\+[\s().-]*[1-9](?:[\s().-]*\d){7,14}")


class Survey(NamedTuple):
    """`clean`: no text that may hold an e-mail address and no key that names an identifier."""

    keys: int
    depth: int
    clean: bool

    def plus(self, other: Survey) -> Survey:
        """Both together."""
        return Survey(self.keys + other.keys, max(self.depth, other.depth), self.clean and other.clean)


EMPTY = Survey(0, 0, True)

harmless_keys: set[str] = set()  # keys seen that name no contact detail; bounded
SHORTEST_KEY = 5  # bytes a key needs at the least: "":1,
_LONGEST_GLANCE = 16_000
_FAR_TOO_LONG = 262_144  # bytes
_NESTED = frozenset((dict, list))


def nobody_in(text: bytes) -> bool:
    """Whether no e-mail address can be in any text of this JSON; a backslash may hide anything."""
    return not (b"@" in text or b"\\" in text or (b"%" in text and b"%40" in text))


def glance(text: bytes, props: dict[str, Any], items: list[dict[str, Any]], most_keys: int, deepest: int) -> bool:
    """Whether an event's own text already proves what `survey` would say of it: within bounds, and clean.

    Cheap and one-sided: False only means that somebody has to look properly. Only the JSON the event was read from
    proves anything; a line of another format may spell its values differently, and a very long one may have been cut.
    """
    return text.startswith(b"{") and nobody_in(text) and few_keys(text, most_keys) and tame(props, items, deepest)


def few_keys(text: bytes, most: int) -> bool:
    """Whether a JSON text is certain to have no more keys than these."""
    size = len(text)
    return size <= _LONGEST_GLANCE and (size <= most * SHORTEST_KEY or text.count(b":") <= most)


def tame(props: dict[str, Any], items: list[dict[str, Any]], deepest: int) -> bool:
    """Whether it is certain that no key names a contact detail and that nothing is nested deeper than that."""
    return _harmless(props, deepest) and all([_harmless(item, deepest - 1) for item in items])  # noqa: C419


def _harmless(value: dict[str, Any] | list[Any], levels: int) -> bool:
    """Whether no key in it names a contact detail, down to as many levels as there may be."""
    if levels < 1:
        return False
    members: Collection[Any] = value
    if type(value) is dict:
        if not (harmless_keys.issuperset(value) or learn(value)):
            return False
        members = value.values()
    if _NESTED.isdisjoint(map(type, members)):
        return True
    for member in members:
        kind = type(member)
        if (kind is dict or kind is list) and not _harmless(member, levels - 1):
            return False
    return True


def learn(keys: dict[str, Any]) -> bool:
    """Whether none of the keys names a contact detail; they are then among `harmless_keys`."""
    if any(kind_of(key) in _CONTACT for key in keys):
        return False
    if len(harmless_keys) > 10_000:
        harmless_keys.clear()
    harmless_keys.update(keys)
    return True


def survey(value: dict[str, Any] | list[Any], depth: int = 1) -> Survey:
    """Count keys and depth of a value."""
    if not value:
        return EMPTY
    keys, deepest, tidy = 0, depth, True
    members: Any = value
    if type(value) is dict:
        keys = len(value)
        for key in value:
            if kind_of(key) in _CONTACT or "@" in key:
                tidy = False
        members = value.values()
    for member in members:
        kind = type(member)
        if kind is str:
            if "@" in member or "%40" in member:
                tidy = False
        elif (kind is dict or kind is list) and depth < _DEEPEST:
            inner = survey(member, depth + 1)
            keys += inner.keys
            deepest = max(deepest, inner.depth)
            tidy = tidy and inner.clean
    return Survey(keys, deepest, tidy)


def blank_values(value: Any) -> Any:
    """The same value without e-mail addresses in its texts and without nested values named like a contact detail."""
    if type(value) is str:
        return blank(value) if "@" in value or "%40" in value else value
    if type(value) is dict:
        return {
            blank(key) if "@" in key else key: f"[{kind_of(key)}]"
            if _names_contact(key, member)
            else blank_values(member)
            for key, member in value.items()
        }
    if type(value) is list:
        return [blank_values(member) for member in value]
    return value


def without_people(text: bytes, limit: int, *, click_ids: bool = True) -> str:
    """What a rejected event looked like, without contact details and names; at most `limit` characters.

    Of far too long an event only the length is kept: reading all of it would keep everybody else waiting.
    """
    if len(text) > _FAR_TOO_LONG:
        return f"[{len(text)} bytes]"
    try:
        value = msgspec.json.decode(text)
        if not click_ids:
            value = clicks.without(value)
        plain = msgspec.json.encode(_strip(value)).decode()
    except (ValueError, RecursionError, OverflowError):
        plain = text.decode("utf-8", "replace")
        if not click_ids:
            plain = clicks.strip_json_text(plain)
    return _QUOTED_PHONE.sub("[phone]", blank(plain[:limit]))


def _names_contact(key: str, member: Any) -> bool:
    return kind_of(key) in _CONTACT and type(member) in (str, int)


def _strip(value: Any, depth: int = 0, personal: bool = False) -> Any:
    if depth > _DEEPEST:
        return "[deep]"
    if type(value) is dict:
        return {
            key: f"[{kind_of(key)}]"
            if _names_contact(key, member) or (personal and kind_of(key) and type(member) in (str, int))
            else _strip(member, depth + 1, personal or key in ("traits", "address"))
            for key, member in value.items()
        }
    if type(value) is list:
        return [_strip(member, depth + 1, personal) for member in value]
    return value
