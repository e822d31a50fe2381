"""JSON lines."""

from __future__ import annotations

import msgspec

from tracker.networks.network import Action, Network, Row, Terms
from tracker.networks.plain import BATCH, COLUMNS, build, named


def line(_network: Network, row: Row, _terms: Terms, _action: Action) -> bytes:
    """One object a line."""
    return msgspec.json.encode(named(row)) + b"\n"


NETWORK = Network(
    name="jsonl",
    title="JSON lines",
    file=COLUMNS,
    build=build,
    batch=BATCH,
    line=line,
    extension="jsonl",
    header=False,
    note="values as they are",
)
