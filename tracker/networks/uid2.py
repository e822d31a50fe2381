"""UID2 and EUID: the payload of `/v3/identity/map`, Base64 of the 32 bytes, not of their hexadecimal text.

The body is encrypted with the client's secret when it is sent. EUID has the same rules and another host.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms, one_kind

COLUMNS = (Column("email_hash", ("email.e5",), "base64"), Column("phone_hash", ("phone.p1",), "base64"))


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """At most 5,000 items a request; a mapping is asked for, never taken back."""
    if action == "add":
        items = [(kind, value) for kind, values in one_kind(COLUMNS, rows) for value in values]
        for at in range(0, len(items), ITEMS):
            body: dict[str, list[str]] = {column.header: [] for column in COLUMNS}
            for kind, value in items[at : at + ITEMS]:
                body[kind].append(value)
            yield Request("POST", "{OPERATOR_URL}/v3/identity/map", JSON, body)


ITEMS = 5_000
REQUEST_BYTES = 1_000_000 * 3 // 4 - 100
"""1 MB with everything around it, in Base64."""

NETWORK = Network(
    name="uid2",
    title="UID2 and EUID identity map",
    file=COLUMNS,
    needs=(("email_hash",), ("phone_hash",)),
    build=build,
    batch=ITEMS,
    request_bytes=REQUEST_BYTES,
    note="needs a contract and keys; at most 20 requests at a time",
)
