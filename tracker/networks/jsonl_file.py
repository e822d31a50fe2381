"""JSON lines."""

from __future__ import annotations

import msgspec

from tracker.networks.network import Action, Network, Row, Terms
from tracker.networks.plain import BATCH, COLUMNS, build

_Line = msgspec.defstruct("_Line", [(column.header, str) for column in COLUMNS], gc=False)
_encoded = msgspec.json.Encoder().encode


def line(_network: Network, row: Row, _terms: Terms, _action: Action) -> bytes:
    """One object a line."""
    return _encoded(_Line(*row)) + b"\n"


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
