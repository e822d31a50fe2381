"""A firing of an alert, and the door through which it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Firing:
    """Why an alert fired for one interval. `start` is RFC 3339; `usual` and `score` are those of an anomaly.

    `destination`: where it is to be told; "": nowhere.
    """

    id: str
    alert: str
    site: str
    name: str
    start: str
    kind: str  # above, below, anomaly
    value: float
    usual: float | None
    score: float | None
    at: int
    destination: str = ""


class Teller(Protocol):
    """Whoever sends firings on (webhook, mail)."""

    def tell(self, firing: Firing) -> None:
        """Hand one over; it is told once. Raises TrackerError where it cannot be taken now: then it is told again."""
        ...
