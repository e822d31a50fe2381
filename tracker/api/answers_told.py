"""Alerts, annotations and saved funnels, for the OpenAPI document and the tests that hold answers against it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Alert(Struct):
    """An alert; `looked_at` is the start of the interval it last looked at, `destination` is "" for nobody."""

    id: str
    site: str
    name: str
    alert: dict[str, Any]
    looked_at: str | None
    destination: str


class Alerts(Struct):
    """By name."""

    alerts: list[Alert]


class Firing(Struct):
    """An interval beyond an alert's limits; `kind` is above, below or anomaly. `told`: it was sent on."""

    id: str
    alert: str
    site: str
    name: str
    start: str
    kind: str
    value: float
    usual: float | None
    score: float | None
    at: str
    told: bool


class Firings(Struct):
    """The newest first."""

    firings: list[Firing]


class Annotation(Struct):
    """A note on a day."""

    id: str
    site: str
    date: str
    text: str


class Annotations(Struct):
    """By day."""

    annotations: list[Annotation]


class SavedFunnel(Struct):
    """A saved funnel."""

    id: str
    site: str
    name: str
    funnel: dict[str, Any]


class SavedFunnels(Struct):
    """By name."""

    funnels: list[SavedFunnel]
