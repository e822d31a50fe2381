"""Sends rejected events down the road again: after a fix in the product, or after limits were raised.

What is accepted now goes into the spool like any other event, and its id is the one it would have had then, so a replay
that is repeated counts once. What is rejected again changes nothing: it is listed and counted already.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from tracker.collector.parsed import Batch, Unreadable
from tracker.collector.place import NOWHERE
from tracker.collector.protocols import matomo, native, segment, snowplow
from tracker.collector.road import Context, encode, to_body
from tracker.collector.suppressions import Listed, Suppressions
from tracker.core.drops import Reject
from tracker.core.errors import BadRequest
from tracker.core.event import Event, RawEvent
from tracker.core.gate import lists_of
from tracker.core.identifiers import keys_of
from tracker.core.site import Site
from tracker.spool.writer import SpoolWriter
from tracker.store.engine import Engine
from tracker.store.sql import fill, load

MOST = 10_000  # rejected events a call looks at, newest first


class KnowsSites(Protocol):
    """The part of the catalog that a replay needs."""

    def get(self, name: str, /) -> Site:
        """The site. Raises NotFound."""
        ...


def replayer(
    engine: Engine, sites: KnowsSites, spool: Path, *, refresh: Callable[[], None] = lambda: None
) -> Callable[[str, Sequence[str] | None], Mapping[str, Any]]:
    """`(site, ids or None for all)` -> how many are accepted now (`replayed`), still `rejected`, kept without text
    (`unreadable`).

    The suppression list beside the spool is obeyed as of the moment of each call; `refresh` brings its file up to date.
    """

    def replay(name: str, ids: Sequence[str] | None) -> Mapping[str, Any]:
        site = sites.get(name)
        rows = engine.ask(
            fill(
                load("tracker.imports", "replay"),
                params={"site": name, "ids": [int(one) for one in ids or ()], "all": int(ids is None), "limit": MOST},
            )
        ).dicts()
        keys = keys_of(site.name, site.write_key, site.identifier_key)
        refresh()
        listed = Suppressions(spool.parent).of(keys, expected=True)
        writer = SpoolWriter(spool, f"import-replay-{secrets.token_hex(6)}")
        try:
            bodies: list[bytes] = []
            counts = {"replayed": 0, "rejected": 0, "unreadable": 0}
            for row in rows:
                ending, body = _again(row, site, writer, listed)
                counts[ending] += 1
                if body is not None:
                    bodies.append(body)
            writer.append_now(bodies)
        finally:
            writer.close()
        return counts

    return replay


def _again(row: Mapping[str, Any], site: Site, writer: SpoolWriter, listed: Listed) -> tuple[str, bytes | None]:
    text = str(row["raw"]).encode()
    if not text:
        return "unreadable", None
    if row["reason"] == Reject.STORE_REFUSED:
        return _once_more(text, writer, listed)
    context = Context(
        site=site,
        keys=keys_of(site.name, site.write_key, site.identifier_key),
        source=str(row["source"]),
        received=time.time_ns() // 1_000_000,
        arrival=writer.next_arrival,
        find_place=lambda _ip: NOWHERE,
        keep_times=True,
        listed=listed,
        lists=lists_of(site.gate),
    )
    for raw in _read(text, str(row["source"]), site):
        record, body = to_body(_frozen(raw, row), context, text)
        if isinstance(record, Event):
            return "replayed", body
    return "rejected", None


def _once_more(text: bytes, writer: SpoolWriter, listed: Listed) -> tuple[str, bytes | None]:
    """What the store refused went through the gate when it came: it goes to the store as it is, not through the gate.

    Asked again it would say less: where it came from and what its person agreed to are not in it any more as a sender
    would say them. Whoever is to be left alone by now, for whatever reason, stays where they are.
    """
    try:
        event = msgspec.json.decode(text, type=Event)
    except ValueError:  # it was too long to be kept whole
        return "unreadable", None
    if listed.state((event.visitor, event.previous), (event.user, event.previous)):
        return "rejected", None
    return "replayed", encode(msgspec.structs.replace(event, arrival=writer.next_arrival()))


def _frozen(raw: RawEvent, row: Mapping[str, Any]) -> RawEvent:
    """An event without id and time gets those of its rejection, so that every replay makes the same event of it."""
    changes: dict[str, Any] = {}
    if not raw.message_id:
        changes["message_id"] = f"replay-{row['id']}"
    if raw.ts is None:
        changes["ts"] = int(row["received"])
    return msgspec.structs.replace(raw, **changes) if changes else raw


def _read(text: bytes, source: str, site: Site) -> Iterator[RawEvent]:
    """The event of a kept text, through the dialect it came in."""
    try:
        if source in {"segment", "import"}:
            batch = segment.parse(b'{"batch":[' + text + b"]}", None, site.write_key)
        elif source == "snowplow":
            batch = Batch(write_key="", texts=[text], read=snowplow.read)
        elif source in {"matomo", "matomo-log"}:
            batch = Batch(write_key="", texts=[text], read=matomo.reader(trusted=True, now=time.time_ns() // 1_000_000))
        else:
            batch = native.parse(b'{"site":"","events":[' + text + b"]}")
    except BadRequest:
        return
    for event in batch.events:
        if not isinstance(event, Unreadable):
            yield event
