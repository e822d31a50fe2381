"""What every kind of destination can do, and what it is given to send."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

from tracker.audiences.manifest import manifest
from tracker.catalog.exports import Export, ExportFile


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """One export on its way: finished files in `folder`, and how many parts of it were taken already."""

    export: Export
    folder: Path
    understood: int = 0

    @property
    def files(self) -> Sequence[ExportFile]:
        """Removals first."""
        return self.export.files

    @property
    def manifest(self) -> bytes:
        """Written last, so that who sees it has all. The same bytes whenever it is made: of what the catalog knows."""
        return msgspec.json.format(msgspec.json.encode(manifest(self.export), order="sorted"))

    @property
    def manifest_name(self) -> str:
        """Beside the files."""
        return f"{self.export.stem}.manifest.json"


@dataclass
class Outcome:
    """What the other side said beyond yes: `refused` rows it did not take; `reasons`: why, where that is known."""

    refused: int = 0
    warnings: list[str] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, Any]:
        """What belongs to the counts of the export."""
        told = {"refused": self.refused} if self.refused else {}
        return told | ({"refused_for": self.reasons} if self.reasons else {})


class Sender(Protocol):
    """Every method blocks, and raises TrackerError. `leaves_nothing`: where `settle` says False, nothing is there.

    `in_parts`: whatever was taken counts there at once; else nothing does before the manifest has come.
    """

    leaves_nothing: bool
    in_parts: bool

    def check(self) -> list[str]:
        """Try whether it can be used, without sending anything about anybody; what to know about it."""

    def send(self, shipment: Shipment, understood: Callable[[int], None]) -> Outcome:
        """All of it. `understood` is told how many parts have been taken, whenever one more has."""

    def settle(self, shipment: Shipment) -> bool:
        """After a stop: True, all of it is there; False, none of it is of effect any more."""
