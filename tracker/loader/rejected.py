"""Records that were not stored, with their reason, so that they can be listed and replayed."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.core.event import Rejected
from tracker.store.engine import Engine, Query, Rows

_COLUMNS = [
    ("site", "String"), ("arrival", "UInt64"), ("received", "Int64"), ("reason", "String"), ("message", "String"),
    ("source", "String"), ("raw", "String"),
]  # fmt: skip
_KEEP = """
insert into rejected (site, arrival, received, reason, message, source, raw)
select site, arrival, fromUnixTimestamp64Milli(received, 'UTC'), reason, message, source, raw from /*table:given*/
"""


def keep(engine: Engine, records: Sequence[Rejected]) -> None:
    """Keep rejected records. Keeping one again replaces it."""
    if not records:
        return
    data = [
        (record.site, record.arrival, record.received, record.reason, record.message, record.source, record.raw)
        for record in records
    ]
    engine.command(Query(text=_KEEP, tables={"given": Rows(columns=_COLUMNS, data=data)}))
