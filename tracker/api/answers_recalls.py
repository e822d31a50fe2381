"""What is answered about deleted audiences whose members are being taken back."""

from __future__ import annotations

from msgspec import Struct


class Recall(Struct):
    """A place from which everybody is to be taken back; `waiting`: persons of whom it has not said yes yet."""

    id: str
    site: str
    audience: str
    network: str
    destination: str
    waiting: int
    next: str
    failures: int
    last_export: str | None
    created: str


class Recalls(Struct):
    """The oldest first; one that is over is gone."""

    recalls: list[Recall]
