"""received = stored + duplicates + rejected + suppressed + waiting, exact at every moment, of a site or of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from tracker.core.site import INTERNAL
from tracker.spool.reader import Spool


class Totals(Protocol):
    """What the view needs of `tracker.catalog.ledger.Ledger`."""

    def picture(self, site: str | None = None) -> tuple[dict[str, Any], Callable[[str], bool]]:
        """Endings so far, and whether a segment is among what was entered, as of one moment."""
        ...

    def gaps(self) -> int:
        """Records that were written but are in no segment that was entered."""
        ...


class LedgerView:
    """Callable: site or None -> the body of `GET /api/v1/ledger`. Needs no store, only files and the catalog.

    `missing(site)`: rows that the ledger has as stored and the store does not hold, where somebody has counted them.
    """

    def __init__(self, spool: Spool, ledger: Totals, missing: Callable[[str | None], int] | None = None) -> None:
        self._spool = spool
        self._ledger = ledger
        self._missing = missing

    def __call__(self, site: str | None = None) -> dict[str, Any]:
        """`waiting` is all that was acknowledged and is in no report yet. Damaged records belong to no site."""
        totals, waiting = self._together(site)
        rejected: dict[str, int] = totals["rejected"]
        endings = totals["stored"] + totals["duplicates"] + sum(rejected.values()) + totals["suppressed"]
        unexplained = self._ledger.gaps() + (self._missing(site) if self._missing else 0)
        return {
            "received": endings + waiting,
            "stored": totals["stored"],
            "duplicates": totals["duplicates"],
            "rejected": rejected,
            "suppressed": totals["suppressed"],
            "waiting": waiting,
            "unexplained": unexplained,
        }

    def _together(self, site: str | None) -> tuple[dict[str, Any], int]:
        """Totals and waiting as of one moment.

        The spool asks only once everything in it is counted. So whatever is entered while we count, or vanishes before
        we come to it, is in the picture's totals and known to it.
        """
        taken: list[tuple[dict[str, Any], Callable[[str], bool]]] = []

        def known(segment: str) -> bool:
            if not taken:
                taken.append(self._ledger.picture(site))
            return taken[0][1](segment)

        waiting = self._spool.waiting(known)
        totals = (taken or [self._ledger.picture(site)])[0][0]
        return totals, sum(
            n for (owner, _), n in waiting.items() if owner == site or (site is None and not _ours(owner))
        )


def _ours(owner: str) -> bool:
    return owner.startswith(INTERNAL)
