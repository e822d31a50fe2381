"""OpenRTB 2.6: for each person the `user` object that a bidder is given, one JSON a line.

Our own segment ids have no `segtax`: that is for those of the IAB's taxonomies, which stand in an object of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from tracker.networks.network import JSON, MATCHED, Action, Column, Network, Request, Row, Terms

COLUMNS = (
    Column("visitor", ("card.visitor",)),
    Column("buyeruid", (MATCHED,)),
    Column("uid2", ("uid2.raw",)),
    Column("euid", ("euid.raw",)),
)
_SOURCES = ("uidapi.com", "euid.eu")
SEGTAX = 4
"""IAB Audience Taxonomy 1.1 (OpenRTB community extension `segtax`)."""


def user(row: Row, terms: Terms, action: Action = "add") -> dict[str, Any]:
    """`{"user": {...}}`; one that leaves has no segment."""
    visitor, buyer, *twins = row
    eids: list[dict[str, Any]] = []
    if visitor:
        own = {"source": terms.site, "inserter": terms.site, "mm": 4, "uids": [{"id": visitor, "atype": 1}]}
        eids.append(own)
    for source, raw in zip(_SOURCES, twins, strict=True):
        if raw:
            eids.append({"source": source, "mm": 3, "uids": [{"id": raw, "atype": 3}]})
    data: list[dict[str, Any]] = [{"name": terms.site, "segment": [{"id": terms.audience}] if action == "add" else []}]
    if terms.segments and action == "add":
        listed = [{"id": one} for one in terms.segments]
        data.append({"name": terms.site, "ext": {"segtax": SEGTAX}, "segment": listed})
    known = {"buyeruid": buyer or visitor} if buyer or visitor else {}
    return {"user": {**known, "data": data, "eids": eids}}


def line(_network: Network, row: Row, terms: Terms, action: Action) -> bytes:
    """One object a line."""
    return msgspec.json.encode(user(row, terms, action)) + b"\n"


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], terms: Terms) -> Iterator[Request]:
    """A batch of objects, for whoever takes them."""
    yield Request("POST", "{URL}", JSON, [user(row, terms, action) for row in rows])


NETWORK = Network(
    name="openrtb",
    title="OpenRTB user.data and eids",
    file=COLUMNS,
    needs=tuple((column.header,) for column in COLUMNS),
    line=line,
    options=("segments",),
    build=build,
    batch=1_000,
    extension="jsonl",
    header=False,
    note="for your own bidder; segment ids are ours; `segments` says which of the IAB's taxonomy they stand for",
)
