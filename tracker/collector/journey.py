"""The journey of one batch: its events down the road, one after another, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.collector import cookies
from tracker.collector.draft import Context
from tracker.collector.parsed import Batch, Unreadable
from tracker.collector.road import encode, to_body, turn_away
from tracker.core.event import Event, Suppressed

_FORGETS = frozenset({"refused", "suppressed", "child", "contextual"})  # endings that leave no cookie behind


class Journey:
    """One batch on its way.

    bodies    the records, for the spool
    accepted  how many events were; `last` is the last of them
    dropped   reason and ending of each of the others
    turned    positions of the rejected
    refused   the visitor's cookie must not stay
    """

    __slots__ = ("accepted", "batch", "bodies", "context", "dropped", "last", "refused", "turned")

    def __init__(self, batch: Batch, context: Context) -> None:
        self.batch = batch
        self.context = context
        self.bodies: list[bytes] = []
        self.accepted = 0
        self.dropped: list[tuple[str, str]] = []
        self.last: Event | None = None
        self.refused = False
        self.turned: list[int] = []

    def take(self, texts: Sequence[bytes]) -> None:
        """Take some of the batch's texts down the road."""
        bodies, context, read = self.bodies, self.context, self.batch.read
        for text in texts:
            raw = read(text)
            if isinstance(raw, Unreadable):
                self.turned.append(len(bodies))
                turned = turn_away(raw.reason, raw.message, context, text)
                self.dropped.append((turned.reason, "rejected"))
                bodies.append(encode(turned))
                continue
            record, body = to_body(raw, context, text)
            bodies.append(body)
            if isinstance(record, Event):
                self.accepted += 1
                self.last = record
                if record.analytics == 0:
                    self.refused = True
            else:
                ending = "suppressed" if isinstance(record, Suppressed) else "rejected"
                if ending == "rejected":
                    self.turned.append(len(bodies) - 1)
                self.dropped.append((record.reason, ending))
                self.refused = (
                    self.refused or record.reason in _FORGETS or (context.gpc and record.reason == "no_consent")
                )

    def cookie_headers(self, came: str | None, https: bool) -> list[tuple[str, str]]:
        """What a browser is told of its visitor id; `came`: the Cookie header of the request."""
        event, context = self.last, self.context
        if not self.refused and event is not None and event.visitor == context.cookie and not context.fresh:
            return []  # the common case: the browser has the right cookie already
        if self.refused:
            if not cookies.present(came):
                return []
            return [("Set-Cookie", header) for header in cookies.expire_headers(https)]
        if event is None or not event.visitor:
            return []
        headers = []
        if event.visitor != context.cookie:
            header = cookies.set_header(event.visitor, https)
            if header is not None:
                headers.append(("Set-Cookie", header))
        given = self.batch.read(self.batch.texts[0])
        if not isinstance(given, Unreadable) and given.visitor != event.visitor and context.source == "native":
            headers.append(("X-Visitor", event.visitor))
        return headers
