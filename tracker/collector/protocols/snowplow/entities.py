"""Self-describing JSON: `{"schema": "iglu:vendor/name/jsonschema/1-0-0", "data": ...}`, plain or in base64. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

_IGLU = re.compile(r"(?:iglu:)?([A-Za-z0-9_.\-]+)/([A-Za-z0-9_.\-]+)/[A-Za-z0-9_.\-]+/(\d+-\d+-\d+)")
_AD_IDS = frozenset(("appleIdfa", "appleIdfv", "androidIdfa", "openIdfa"))
_URL_SAFE = str.maketrans("-_ ", "+/+")


class Entity(NamedTuple):
    """One self-describing JSON. `uri` is its schema as it came, `known` is `vendor/name`."""

    uri: str
    known: str
    version: str
    data: dict[str, Any]

    @property
    def name(self) -> str:
        """The last part of `known`."""
        return self.known.rpartition("/")[2]


def decoded(plain: object, coded: object) -> Any:
    """The JSON of a field that comes plain or in base64 (URL-safe or not, padded or not); None without any.

    Raises ValueError or RecursionError for what is no JSON.
    """
    if isinstance(plain, str) and plain:
        return msgspec.json.decode(plain.encode("utf-8", "replace"))
    if isinstance(coded, str) and coded:
        text = coded.translate(_URL_SAFE).rstrip("=")
        try:
            return msgspec.json.decode(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
        except binascii.Error:
            raise ValueError("not base64") from None
    return plain if isinstance(plain, (dict, list)) else None


def entity(value: object) -> Entity | None:
    """A self-describing JSON; None for anything else. Data that are no object become `{"data": ...}`."""
    if not isinstance(value, dict) or not isinstance(value.get("schema"), str):
        return None
    match = _IGLU.fullmatch(value["schema"])
    if match is None:
        return None
    data = value.get("data")
    return Entity(
        value["schema"],
        f"{match[1]}/{match[2]}",
        match[3],
        dict(data) if isinstance(data, dict) else {} if data is None else {"data": data},
    )


def event(value: object) -> Entity | None:
    """What an `unstruct_event` envelope holds."""
    outer = entity(value)
    return entity(outer.data) if outer is not None and outer.name == "unstruct_event" else None


def contexts(value: object) -> list[Entity] | None:
    """What a `contexts` envelope holds; None where it is none."""
    if value is None:
        return []
    listed = value.get("data") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        return None
    found = [entity(one) for one in listed]
    return None if None in found else [one for one in found if one is not None]


def kept(entities: Iterable[Entity]) -> dict[str, Any]:
    """Contexts as a property: `{"vendor/name/1-0-0": data}`, a list where several are of one schema.

    Advertising ids of devices and positions of the globe are left out: no consent rule here could allow them.
    """
    found: dict[str, Any] = {}
    for one in entities:
        if one.name == "geolocation_context":
            continue
        data = {name: value for name, value in one.data.items() if name not in _AD_IDS}
        name = f"{one.known}/{one.version}"
        if name not in found:
            found[name] = data
        elif isinstance(found[name], list):
            found[name].append(data)
        else:
            found[name] = [found[name], data]
    return found
