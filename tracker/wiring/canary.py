"""The canary: an event of our own a minute, by the same road as everybody's, so that an outage does not stay unseen.

It goes to the collector over HTTP, waits on its disk, is loaded, and is looked for in the store: the time that takes is
the lag from end to end. Its site is one of ours (`_canary`): in no list, no report and no count of others.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from tracker.core.errors import TrackerError

if TYPE_CHECKING:
    from tracker.core.site import Site
    from tracker.store.engine import Engine

log = structlog.get_logger()

SITE = "_canary"
FILE = "canary.json"
PATIENCE = 30.0  # seconds until it counts as late
_FIRST = 3.0  # seconds after the start
_LOOK = 0.2  # seconds between two looks into the store
_NO_ANSWER = 5.0  # seconds


class Canary(threading.Thread):
    """Sends, looks, and writes down in `DATA/canary.json` how it went."""

    def __init__(
        self,
        *,
        site: Callable[[], Site],
        engine: Engine,
        collector: str,
        data: Path,
        every: float,
        stop: threading.Event,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(name="canary", daemon=True)
        self._site = site
        self._engine = engine
        self._collector = urlsplit(collector)
        self._file = data / FILE
        self._every = every
        self._stop_asked = stop
        self._patience = patience
        self._state = "arrived"

    def run(self) -> None:
        """Until asked to stop."""
        pause = min(_FIRST, self._every)
        while not self._stop_asked.wait(pause):
            began = time.monotonic()
            self.fly()
            pause = max(self._every - (time.monotonic() - began), 0.0)

    def fly(self) -> dict[str, Any]:
        """One event; what became of it. Raises nothing: a canary that dies is no use."""
        flight: dict[str, Any] = {"at": time.time_ns() // 1_000_000, "state": "not_accepted", "lag_seconds": None}
        began = time.monotonic()
        event = str(uuid.uuid4())
        try:
            if self._send(event):
                flight["state"] = "late"
                if self._arrived(event, began + self._patience):
                    flight |= {"state": "arrived", "lag_seconds": round(time.monotonic() - began, 3)}
        except (OSError, http.client.HTTPException):
            flight["state"] = "no_collector"
        except TrackerError:
            flight["state"] = "store_away"
        if self._stop_asked.is_set() and flight["state"] != "arrived":
            return flight  # cut short: it says nothing
        if flight["state"] != self._state:
            log.warning("canary", state=flight["state"], before=self._state)
            self._state = flight["state"]
        self._write(flight)
        return flight

    def _send(self, event: str) -> bool:
        body = {
            "site": self._site().write_key,
            "events": [{"id": event, "type": "track", "name": "canary", "visitor": "canary"}],
        }
        secure = self._collector.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self._collector.hostname or "127.0.0.1", self._collector.port, timeout=_NO_ANSWER)
        try:
            connection.request("POST", self._collector.path.rstrip("/") + "/e", json.dumps(body))
            answer = connection.getresponse()
            answer.read()
            return answer.status == 204
        finally:
            connection.close()

    def _arrived(self, event: str, until: float) -> bool:
        from tracker.store.engine import Query

        query = Query(
            text="select count() from events where site = {site:String} and event = 'canary' and id = {id:UUID}",
            params={"site": SITE, "id": event},
        )
        while time.monotonic() < until:
            if self._engine.ask(query).rows[0][0]:
                return True
            if self._stop_asked.wait(_LOOK):
                return False
        return False

    def _write(self, flight: Mapping[str, Any]) -> None:
        before = last_flight(self._file.parent) or {}
        arrived = flight["at"] if flight["state"] == "arrived" else before.get("arrived_at")
        try:
            new = self._file.with_name(f".{FILE}.{os.getpid()}")
            new.write_text(json.dumps({**flight, "arrived_at": arrived}))
            new.replace(self._file)
        except OSError as failure:
            log.warning("canary", state="not_written", error=type(failure).__name__)


def last_flight(data: Path) -> dict[str, Any] | None:
    """How the last one went, if ever one did: `{"at", "state", "lag_seconds", "arrived_at"}`, times in ms."""
    try:
        found = json.loads((data / FILE).read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
