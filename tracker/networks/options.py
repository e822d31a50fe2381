"""What may be chosen about one export: how its file is laid out, or what its segment stands for. Pure.

delimiter     between the cells of a line: , ; | or a tab
compression   gzip or none
segments      ids of the IAB's Audience Taxonomy 1.1 that the audience stands for
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from tracker.core.errors import BadRequest
from tracker.networks.network import Network

DELIMITERS = (",", ";", "|", "\t")
COMPRESSIONS = ("gzip", "none")
MOST_SEGMENTS = 50
_SEGMENT = re.compile(r"[1-9][0-9]{0,3}")


def checked(network: Network, given: Mapping[str, Any] | None, field: str = "options") -> dict[str, Any]:
    """Those that were given, as they may be kept. Raises BadRequest for one that this network does not take."""
    found: dict[str, Any] = {}
    for name, value in (given or {}).items():
        if name not in network.options:
            takes = ", ".join(network.options) or "no options"
            raise BadRequest(f"{network.title} takes {takes}", field=f"{field}.{name}" if name.isalpha() else field)
        if name == "segments":
            found[name] = _segments(value, f"{field}.{name}")
        elif value not in (choices := DELIMITERS if name == "delimiter" else COMPRESSIONS):
            raise BadRequest(f"{name} is one of {' '.join(map(repr, choices))}", field=f"{field}.{name}")
        else:
            found[name] = value
    return found


def shaped(network: Network, options: Mapping[str, Any]) -> Network:
    """The network with its file laid out as was chosen."""
    chosen = {name: options[name] for name in ("delimiter", "compression") if name in options}
    return dataclasses.replace(network, **chosen) if chosen else network


def _segments(value: Any, field: str) -> list[str]:
    good = isinstance(value, list) and 0 < len(value) <= MOST_SEGMENTS
    if not good or not all(isinstance(one, str) and _SEGMENT.fullmatch(one) for one in value):
        raise BadRequest(f"segments is a list of up to {MOST_SEGMENTS} ids like 753", field=field)
    return list(dict.fromkeys(value))
