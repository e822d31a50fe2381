"""What is answered about conversions."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from tracker.api.answers_exports import Export


class ConversionShown(Struct):
    """Events that a network is told of. `last`: how the last upload by plan ended; `failures`: how many in a row."""

    id: str
    site: str
    name: str
    network: str
    destination: str
    events: list[dict[str, Any]]
    event_id: str
    start: str
    every: str | None
    next: str | None
    failures: int
    last: Export | None
    created: str


class ConversionsShown(Struct):
    """By name."""

    conversions: list[ConversionShown]


class ConversionNetwork(Struct):
    """A conversions API. `days`: how old an event may be; `names`: GA4's event -> its own, where none is given.

    `numbers`: `send_as` is a number of the account; `tests`: it can be tried without counting.
    """

    name: str
    title: str
    days: int
    days_without_click: int
    batch: int
    clicks: list[str]
    names: dict[str, str]
    numbers: bool
    tests: bool
    note: str


class ConversionNetworks(Struct):
    """All of them."""

    networks: list[ConversionNetwork]
