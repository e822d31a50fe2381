"""A small road for tests of the loader: spool, catalog, store, and events to put on it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tracker.catalog.catalog import Catalog
from tracker.core.event import Event, Record
from tracker.loader.ledger import LedgerView
from tracker.loader.loop import Loader
from tracker.spool.reader import Spool
from tracker.spool.writer import SpoolWriter
from tracker.store.engine import Engine, Query
from tracker.store.sql import fill

T0 = int(time.time()) // 3600 * 3_600_000  # ms, this hour: what was rejected long ago is not kept


def event(n: int, **fields: Any) -> Event:
    """Event number n of site `shop`, frozen: the same n is the same event."""
    given = {
        "site": "shop",
        "id": str(uuid.UUID(int=n)),
        "arrival": (T0 * 1000 + n) * 16,
        "received": T0 + n,
        "ts": T0 + n,
        "type": "track",
        "name": "click",
        "visitor": f"v{n % 7}",
    }
    return Event(**{**given, **fields})


class Road:
    """Everything between an accepted event and a report, in one data folder."""

    def __init__(self, data: Path, engine: Engine, **loader: Any) -> None:
        self.data = data
        self.engine = engine
        self.catalog = Catalog(f"sqlite:///{data}/catalog.sqlite", data / "sites.json")
        self.spool = Spool(data / "spool")
        self.loader = Loader(self.spool, engine, self.catalog.ledger, **{"patience": 0.0, **loader})
        self.ledger = LedgerView(self.spool, self.catalog.ledger)

    def write(self, records: Sequence[Record], lineage: str = "c0") -> None:
        """One sealed segment of these records."""
        writer = SpoolWriter(self.data / "spool", lineage)
        writer.append_now([msgspec.json.encode(record) for record in records])
        writer.close()

    def load(self, records: Sequence[Record], lineage: str = "c0") -> None:
        self.write(records, lineage)
        self.loader.run_once()

    def rows(self, columns: str = "id", where: str = "1") -> list[tuple[Any, ...]]:
        """Events as a report sees them, by arrival."""
        from tracker.store.clean import events_source

        text = f"select {columns} from /*events*/ where {where} order by arrival"
        return self.engine.ask(fill(text, {"events": events_source(self.engine)})).rows

    def physical(self) -> int:
        """Rows in the table, duplicates included."""
        return int(self.engine.ask(Query(text="select count() from events")).rows[0][0])
