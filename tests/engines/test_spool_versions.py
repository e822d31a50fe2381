"""Spools that earlier versions wrote are loaded by this one, and a collector goes on in them.

`tests/golden/spool/VERSION` is a folder as that version left it: a sealed segment, one that its writer died in, its
state. They are never written again: a version whose files these are may be running somewhere.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest
from loading import Road, event

from tracker.spool.writer import SpoolWriter
from tracker.store.engine import Engine

GOLDEN = Path(__file__).parent.parent / "golden" / "spool"
VERSIONS = sorted(path.name for path in GOLDEN.iterdir())


@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_spool_is_loaded_and_gone_on_with(embedded: Engine, data: Path, version: str) -> None:
    (data / "spool").mkdir()
    shutil.copytree(GOLDEN / version, data / "spool" / "c0")
    road = Road(data, embedded)
    writer = SpoolWriter(data / "spool", "c0")
    writer.append_now([msgspec.json.encode(event(9, arrival=writer.next_arrival()))])
    writer.close()
    road.loader.run_once()
    assert road.rows("toString(id), event, visitor, user, value, currency, mode, ads") == [
        ("00000000-0000-0000-0000-000000000001", "purchase", "v1", "u1", 9.5, "EUR", "M4", 1),
        ("00000000-0000-0000-0000-000000000005", "click", "v5", "", None, "", "", -1),
        ("00000000-0000-0000-0000-000000000006", "click", "v6", "", None, "", "", -1),
        ("00000000-0000-0000-0000-000000000009", "click", "v2", "", None, "", "", -1),
    ]
    [(props, items)] = road.rows("props, items", "event = 'purchase'")
    assert msgspec.json.decode(props) == {"order": "o-1", "größe": "Ü😀"}
    assert [next(iter(item)) for item in items] == ["p"]
    assert road.ledger(None) == {
        "received": 8, "stored": 4, "duplicates": 0, "rejected": {"bad_time": 1}, "suppressed": 3, "waiting": 0,
        "unexplained": 0,
    }  # fmt: skip
