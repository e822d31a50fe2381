"""CSV that a spreadsheet can open safely (RFC 4180)."""

from __future__ import annotations

from tracker.networks.network import Network
from tracker.networks.plain import BATCH, COLUMNS, build

NETWORK = Network(
    name="csv",
    title="CSV",
    file=COLUMNS,
    build=build,
    batch=BATCH,
    spreadsheet=True,
    note="a cell that a spreadsheet would run as a formula gets an apostrophe in front",
)
