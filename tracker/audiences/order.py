"""What is to be exported: a request that is checked, and the order that it becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tracker.audiences.advertising_ids import Ids
from tracker.audiences.definition import Definition
from tracker.audiences.delivery import Sender
from tracker.catalog.exports import Export
from tracker.core.errors import BadRequest, Conflict
from tracker.core.site import Site
from tracker.networks import NETWORKS, Network, options

MODES, SHAPES = ("full", "delta"), ("file", "api")


def check_request(network: str, mode: str, shape: str) -> None:
    """Raise BadRequest for what this version cannot do, saying what it can."""
    known_shapes = SHAPES if network not in NETWORKS or NETWORKS[network].build is not None else SHAPES[:1]
    for field, value, choices in (
        ("network", network, tuple(NETWORKS)),
        ("mode", mode, MODES),
        ("shape", shape, known_shapes),
    ):
        if value not in choices:
            raise BadRequest(
                f"{field} {value[:40]!r} is not available yet; available: {', '.join(choices)}",
                code="not_available",
                field=field,
            )


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to export: `rule_changed` is when its audience was changed last, in ms, `days` how long members
    stay, `now_ms` a clock, `version` that of this program.

    `sender`: what sends it to its destination; None: it stays here for download. `notice`: tells somebody of that.
    `stays`: why nobody new may leave the house; who is to be taken back still is. `takes_back`: it is for that.
    `ids`: where UID2s and EUIDs are from.
    """

    export: Export
    site: Site
    definition: Definition
    rule_changed: int
    days: int
    now_ms: Callable[[], int]
    version: str
    sender: Sender | None = None
    notice: Sender | None = None
    stays: Conflict | None = None
    takes_back: bool = False
    ids: tuple[Ids, ...] = ()

    @property
    def network(self) -> Network:
        """The network it is for."""
        return options.shaped(NETWORKS[self.export.network], self.options)

    @property
    def options(self) -> dict[str, Any]:
        """What was chosen about it."""
        return dict(self.export.details.get("options", {}))

    @property
    def shape(self) -> str:
        """A file, or the requests of an API."""
        return str(self.export.details.get("shape", "file"))
