"""The journey of one batch: its events down the road, one after another, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.collector import cookies
from tracker.collector.draft import Context
from tracker.collector.express import express
from tracker.collector.parsed import Batch, Unreadable
from tracker.collector.road import encode, to_body, turn_away
from tracker.core.event import Event, Record, Rejected

_FORGETS = frozenset({"refused", "suppressed", "child", "contextual"})  # endings that leave no cookie behind


class Journey:
    """One batch on its way.

    bodies    the records, for the spool
    accepted  how many events were; `visitor` is whose the last of them is
    dropped   reason and ending of each of the others
    turned    positions of the rejected
    refused   the visitor's cookie must not stay; `came`: the Cookie header of the request
    """

    __slots__ = ("accepted", "batch", "bodies", "came", "context", "dropped", "refused", "turned", "visitor")

    def __init__(self, batch: Batch, context: Context, came: str | None = None) -> None:
        self.batch = batch
        self.context = context
        self.came = came
        self.bodies: list[bytes] = []
        self.accepted = 0
        self.dropped: list[tuple[str, str]] = []
        self.visitor = ""
        self.refused = False
        self.turned: list[int] = []

    def take(self, texts: Sequence[bytes]) -> None:
        """Take some of the batch's texts down the road."""
        bodies, context, common = self.bodies, self.context, self.batch.common
        for text in texts:
            taken = express(text, context) if common else None
            if taken is None:
                self._go_all_the_way(text)
                continue
            self.visitor, body = taken
            self.accepted += 1
            bodies.append(body)

    def _go_all_the_way(self, text: bytes) -> None:
        raw = self.batch.read(text)
        if isinstance(raw, Unreadable):
            record: Record = turn_away(raw.reason, raw.message, self.context, text)
            body = encode(record)
        else:
            record, body = to_body(raw, self.context, text)
        if isinstance(record, Event):
            self.accepted += 1
            self.visitor = record.visitor
            self.refused = self.refused or record.analytics == 0
        elif isinstance(record, Rejected):
            self.turned.append(len(self.bodies))
            self.dropped.append((record.reason, "rejected"))
        else:
            self.dropped.append((record.reason, "suppressed"))
            self.refused = (
                self.refused or record.reason in _FORGETS or (self.context.gpc and record.reason == "no_consent")
            )
        self.bodies.append(body)

    def cookie_headers(self, https: bool) -> list[tuple[str, str]]:
        """What a browser is told of its visitor id."""
        visitor, context = self.visitor, self.context
        if not self.refused and visitor and visitor == context.cookie and not context.fresh:
            return []  # the common case: the browser has the right cookie already
        if self.refused:
            if not cookies.present(self.came):
                return []
            return [("Set-Cookie", header) for header in cookies.expire_headers(https, context.partition)]
        if not visitor:
            return []
        headers = []
        if visitor != context.cookie:
            header = cookies.set_header(visitor, https, context.partition)
            if header is not None:
                headers.append(("Set-Cookie", header))
        given = self.batch.read(self.batch.texts[0])
        if not isinstance(given, Unreadable) and given.visitor != visitor and context.source == "native":
            headers.append(("X-Visitor", visitor))
        return headers
