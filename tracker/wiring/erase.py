"""Asks for an erasure and waits for it: the loader of this data folder does it, or, where none runs, one of ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tracker.config import Settings
from tracker.core.errors import Conflict
from tracker.core.identifiers import keys_of
from tracker.supervisor.claim import Claim, holder

if TYPE_CHECKING:
    from tracker.catalog import Catalog
    from tracker.catalog.erasures import Erasure
    from tracker.loader.loop import Loader

_LOOK = 0.05  # seconds


def erasing(
    settings: Settings, catalog: Catalog, loader: Callable[[], Loader]
) -> Callable[[str, Sequence[str], Sequence[str], str], Erasure]:
    """`(site, visitors, users, actor)` -> the erasure, done or, after `report_seconds`, as far as it got.

    It is on disk, and the person on the suppression list, before anybody waits. `loader` makes one where none runs.
    """

    def erase(name: str, visitors: Sequence[str], users: Sequence[str], actor: str) -> Erasure:
        from tracker.catalog.erasures import DONE
        from tracker.loader.erasing import leave_alone
        from tracker.store.erase import Names

        site = catalog.sites.get(name)
        keys = keys_of(site.name, site.write_key, site.identifier_key)
        leave_alone(catalog, site.name, keys, Names(tuple(visitors), tuple(users)))
        asked = catalog.erasures.ask(site.name, visitors, users, actor)
        until = time.monotonic() + settings.report_seconds
        while (now := catalog.erasures.get(asked.id)).state != DONE and time.monotonic() < until:
            if holder(settings.data, "loader") is None:
                _ourselves(settings, loader)
            else:
                time.sleep(_LOOK)
        return now

    return erase


def _ourselves(settings: Settings, loader: Callable[[], Loader]) -> None:
    try:
        claim = Claim.take(settings.data, "loader")
    except Conflict:
        return  # one has started meanwhile
    try:
        made = loader()
        made.adopt()
        made.run_once()  # what was begun and not entered must be entered before anything is counted
        made.erase_due()
    finally:
        claim.release()
