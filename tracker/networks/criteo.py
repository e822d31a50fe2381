"""Criteo contact lists: `audience-segments/{id}/contact-list`, one kind of identifier an amendment.

A `gum` is the id by which Criteo knows a browser, from ID matching; it goes with the id of the account it was matched
under.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.networks.network import JSON, MATCHED, Action, Column, Network, Request, Row, Terms, one_kind

COLUMNS = (Column("email", ("email.e1",)), Column("gum", (MATCHED,)))
_URL = "https://api.criteo.com/2026-07/marketing-solutions/audience-segments/{SEGMENT_ID}/contact-list"


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """One amendment for each kind."""
    for kind, values in one_kind(COLUMNS, rows):
        caller = {"gumCallerId": "{GUM_CALLER_ID}"} if kind == "gum" else {}
        attributes = {"operation": action, "identifierType": kind, **caller, "identifiers": values}
        yield Request("PATCH", _URL, JSON, {"data": {"type": "ContactlistAmendment", "attributes": attributes}})


NETWORK = Network(
    name="criteo",
    title="Criteo contact lists",
    file=COLUMNS[:1],
    needs=(("email",),),
    api=COLUMNS,
    api_needs=(("email",), ("gum",)),
    build=build,
    batch=50_000,
    note="no upload by hand: the file is one column",
)
