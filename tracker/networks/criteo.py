"""Criteo contact lists: `audience-segments/{id}/contact-list`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms

COLUMNS = (Column("email", ("email.e1",)),)
_URL = "https://api.criteo.com/2026-07/marketing-solutions/audience-segments/{SEGMENT_ID}/contact-list"


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """One amendment for a batch."""
    attributes = {"operation": action, "identifierType": "email", "identifiers": [row[0] for row in rows]}
    yield Request("PATCH", _URL, JSON, {"data": {"type": "ContactlistAmendment", "attributes": attributes}})


NETWORK = Network(
    name="criteo",
    title="Criteo contact lists",
    file=COLUMNS,
    needs=(("email",),),
    build=build,
    batch=50_000,
    note="no upload by hand: the file is one column",
)
