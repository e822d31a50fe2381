"""What the three general forms have in common: their columns, and a batch for whoever takes one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.networks.network import JSON, MATCHED, Action, Column, Request, Row, Terms

COLUMNS = (
    *(
        Column(name, (f"card.{name}",))
        for name in ("person", "visitor", "user", "last_seen", "last_event", "country", "device", "channel")
    ),
    Column("email_sha256", ("email.e1",)),
    Column("phone_sha256", ("phone.p1",)),
    Column("partner_uid", (MATCHED,)),
)
BATCH = 1_000


def named(row: Row) -> dict[str, str]:
    """Header -> cell."""
    return dict(zip((column.header for column in COLUMNS), row, strict=True))


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], terms: Terms) -> Iterator[Request]:
    """`{"audience", "action", "members": [{...}]}`."""
    members = [named(row) for row in rows]
    yield Request("POST", "{URL}", JSON, {"audience": terms.audience, "action": action, "members": members})
