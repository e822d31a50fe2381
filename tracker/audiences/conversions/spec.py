"""Which events, under what names: checked once, when it is saved."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.core.errors import BadRequest
from tracker.networks.conversions import CONVERSIONS, Conversion
from tracker.store.filters import Condition, check_property, only_keys, parse_condition

MOST_EVENTS = 20
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_ -]{0,49}")
_NUMBER = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True)
class Mapped:
    """Events of a condition go under this name: a standard event, or the number of an action or rule."""

    condition: Condition
    send_as: str


@dataclass(frozen=True)
class Told:
    """All that a network is told of. `event_id`: `id`, or the property that holds what its pixel sent."""

    events: tuple[Mapped, ...]
    event_id: str = "id"


def conversion_of(network: object) -> Conversion:
    """Raises BadRequest for a network that takes no conversions."""
    found = CONVERSIONS.get(network) if isinstance(network, str) else None
    if found is None:
        raise BadRequest(
            f"the destination must be one of the kind network, of {', '.join(CONVERSIONS)}", field="destination"
        )
    return found


def parse(conversion: Conversion, events: Sequence[Mapping[str, Any]], event_id: str) -> Told:
    """Raises BadRequest with the field."""
    if not 0 < len(events) <= MOST_EVENTS:
        raise BadRequest(f"events is a list of 1 to {MOST_EVENTS}", field="events")
    mapped = []
    for at, one in enumerate(events):
        field = f"events[{at}]"
        only_keys(one, ("event", "where", "send_as"), field)
        condition = parse_condition({key: one[key] for key in ("event", "where") if key in one}, field)
        mapped.append(Mapped(condition, _name(conversion, condition.event, one.get("send_as"), f"{field}.send_as")))
    if event_id != "id":
        if not event_id.startswith("props."):
            raise BadRequest("event_id is id, or a property like props.event_id", field="event_id")
        check_property(event_id, "event_id")
    return Told(tuple(mapped), event_id)


def _name(conversion: Conversion, event: str, given: object, field: str) -> str:
    name = conversion.names.get(event) if given in (None, "") else given
    pattern = _NUMBER if conversion.ids else _NAME
    if not isinstance(name, str) or pattern.fullmatch(name) is None:
        wanted = "the number of a conversion action" if conversion.ids else "the name of the network's event"
        raise BadRequest(f"{field} must be {wanted}", field=field)
    return name
