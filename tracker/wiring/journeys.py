"""Keeps the journey table up with events: a part a step, then it rests five times as long as that took."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tracker.loader.journeys import GRACE_NS, LEAST, Journeys
from tracker.wiring.chore import Chore

if TYPE_CHECKING:
    from tracker.catalog import Catalog
    from tracker.store.engine import Engine

_LOOK = 30.0  # seconds between two looks for what is due
_FIRST = 20.0  # seconds after the start
_REST = 5  # times as long as making took
_PATIENCE = 60.0  # seconds after a fault


class JourneyKeeper(Chore):
    """Makes what is due, until asked to stop. `busy` is held while it writes: nobody is erased meanwhile."""

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        stop: threading.Event,
        busy: threading.Lock | None = None,
        *,
        least: int = LEAST,
        grace: int = GRACE_NS,
    ) -> None:
        super().__init__("journeys", stop, first=_FIRST, look=_LOOK, rest=_PATIENCE)
        self._journeys = Journeys(engine, least=least, grace=grace)
        self._catalog = catalog
        self._busy = busy or threading.Lock()

    def round(self) -> int:
        """Make what is due of every site; gives how many steps that took."""
        done = 0
        wanted: dict[str, set[str]] = defaultdict(set)
        for saved in self._catalog.funnels.list():
            wanted[saved.site].update(key_names(saved.funnel.get("steps")))
        for site in self._catalog.sites.list():
            steps = self._journeys.steps(site.name, wanted[site.name])
            while not self._stop_asked.is_set():
                began = time.monotonic()
                with self._busy:
                    made = next(steps, None)
                if made is None:
                    break
                done += made
                if made:
                    self._stop_asked.wait(_REST * (time.monotonic() - began))
        return done


def key_names(steps: Any) -> Iterator[str]:
    """Event names of the steps of a saved funnel that need nothing else of an event."""
    for step in steps or []:
        for one in step.get("any_of") or [step]:
            if one.get("event", "*") != "*" and not one.get("where"):
                yield one["event"]
