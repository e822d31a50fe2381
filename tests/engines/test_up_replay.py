"""Rejected events sent down the road again, through the real spool, loader and store."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from tracker.catalog import Catalog
from tracker.core.event import Rejected
from tracker.imports.replay import replayer
from tracker.loader.ledger import LedgerView
from tracker.loader.loop import Loader
from tracker.spool.reader import Spool
from tracker.spool.writer import SpoolWriter
from tracker.store.engine import Engine, Query

GOOD_NATIVE = '{"type":"track","name":"late","visitor":"v1","ts":1431857103000}'
GOOD_SEGMENT = '{"type":"track","event":"Order Completed","userId":"u1","messageId":"m1"}'
CASES = [
    ("too_many_keys", "native", GOOD_NATIVE),
    ("bad_field", "segment", GOOD_SEGMENT),
    ("no_name", "native", '{"type":"track","visitor":"v1"}'),
    ("unreadable", "native", "{"),
    ("bad_time", "access-log", ""),
]


@pytest.mark.parametrize("chosen", [False, True], ids=["all", "by id"])
def test_what_is_good_now_is_stored_once_and_the_rest_stays_as_it_is(engine: Engine, data: Path, chosen: bool) -> None:
    catalog = Catalog(f"sqlite:///{data}/catalog.sqlite", data / "sites.json")
    site = catalog.sites.create("shop", consent="opt-out")
    catalog.sites.create("other", consent="opt-out")
    received = time.time_ns() // 1_000_000 - 3_600_000
    writer = SpoolWriter(data / "spool", "c0")
    records = [
        Rejected(
            site=name,
            arrival=writer.next_arrival(),
            received=received,
            reason=reason,
            message="",
            source=source,
            raw=raw,
        )
        for name in (site.name, "other")
        for reason, source, raw in CASES
    ]
    writer.append_now([msgspec.json.encode(record) for record in records])
    writer.close()
    spool = Spool(data / "spool")
    loader = Loader(spool, engine, catalog.ledger, vault=catalog.vault)
    loader.run_once()
    ids = [str(record.arrival) for record in records[:5]]
    replay = replayer(engine, catalog.sites, data / "spool")
    if chosen:
        assert replay("shop", ids[2:3]) == {"replayed": 0, "rejected": 1, "unreadable": 0}
        assert replay("shop", [str(records[5].arrival)])["replayed"] == 0  # another site's
        assert replay("shop", ids[:2]) == {"replayed": 2, "rejected": 0, "unreadable": 0}
    else:
        assert replay("shop", None) == {"replayed": 2, "rejected": 2, "unreadable": 1}
    spool.adopt()
    loader.run_once()
    stored = engine.ask(
        Query(text="select event, toUnixTimestamp64Milli(ts) from events where site = 'shop' order by event")
    ).rows
    assert stored == [("late", 1431857103000), ("purchase", received)]
    assert replay("shop", None)["replayed"] == 2
    spool.adopt()
    loader.run_once()
    ledger = LedgerView(spool, catalog.ledger)("shop")
    assert (ledger["stored"], ledger["duplicates"], sum(ledger["rejected"].values())) == (2, 2, 5)
    assert (ledger["waiting"], ledger["unexplained"]) == (0, 0)
    catalog.close()
