"""What people decided, out of the events that are stored: to the consent log, the suppression list and the audiences.

Doing it twice is harmless: each of the three compares with what it has. Nothing here may be lost, so it is done before
the segment is entered.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress as suppress_error
from typing import Protocol

from tracker.catalog.consents import Choice
from tracker.catalog.suppressions import Deed
from tracker.core.errors import NotFound
from tracker.core.identifiers import Keys, keys_of
from tracker.core.identity import user_key, visitor_key
from tracker.core.site import Site
from tracker.core.suppression import Reason, hash_of
from tracker.loader.batch import Seen
from tracker.store.engine import Engine, Query
from tracker.store.persons import suppress

_REMEMBERED = 200_000


class Consents(Protocol):
    """What is needed of `tracker.catalog.consents.Consents`."""

    def note(self, choices: Iterable[Choice]) -> int:
        """Keep changes."""
        ...


class Suppressions(Protocol):
    """What is needed of `tracker.catalog.suppressions.Suppressions`."""

    def apply(self, deeds: Iterable[Deed], source: str) -> int:
        """Put people on the list."""
        ...

    def find(self, site: str, hashes: Iterable[bytes]) -> Mapping[bytes, int]:
        """Who is on it now."""
        ...

    def settle(self) -> None:
        """Let collectors know of what waited."""
        ...


class Choices:
    """For one thread. `site_of` raises NotFound for a site that is gone; its people are left as they are."""

    def __init__(
        self, engine: Engine, consents: Consents, suppressions: Suppressions, site_of: Callable[[str], Site]
    ) -> None:
        self._engine = engine
        self._consents = consents
        self._suppressions = suppressions
        self._site_of = site_of
        self._known: dict[tuple[str, str], tuple[int, int, int, str]] = {}

    def learn(self, events: Iterable[Seen]) -> None:
        """Take in what these events say. Raises TryLater; it may then be repeated."""
        news = [event for event in events if self._is_news(event)]
        if not news:
            return
        sites = self._sites({event.site for event in news})
        keys = {name: keys_of(site.name, site.write_key, site.identifier_key) for name, site in sites.items()}
        news = [event for event in news if event.site in keys]
        self._consents.note(_choice(event) for event in news)
        deeds = [
            deed
            for event in news
            for deed in _deeds(keys[event.site], event, later=sites[event.site].privacy.later_opt_in)
            if not (deed.lift and deed.reason is Reason.GPC) or not self._signalled_since(event)
        ]
        self._suppressions.apply(deeds, "event")
        self._tell_audiences(news, keys)
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        for event in news:
            self._known[event.site, _subject(event)] = _said(event)

    def settle(self) -> None:
        """Now and then, when nothing is loaded."""
        self._suppressions.settle()

    def forget(self) -> None:
        """Somebody was erased: what each person said last is learnt anew."""
        self._known.clear()

    def _is_news(self, event: Seen) -> bool:
        """A decision, or something else than the person said last."""
        return event.type == "consent" or self._known.get((event.site, _subject(event))) != _said(event)

    def _sites(self, names: set[str]) -> Mapping[str, Site]:
        found = {}
        for name in names:
            with suppress_error(NotFound):
                found[name] = self._site_of(name)
        return found

    def _signalled_since(self, event: Seen) -> bool:
        """Whether the person sent Global Privacy Control after this event, which says yes: then that counts."""
        text = (
            "select count() from events where site = {site:String} and gpc > 0 and ads != 1"
            " and ts >= fromUnixTimestamp64Milli({ts:Int64}, 'UTC')"
            " and (key in {keys:Array(UInt64)} or (visitor != '' and visitor = {visitor:String}))"
        )
        numbers = [_key(kind, stored) for kind, stored in _people(event)]
        params: dict[str, str | int | list[int]] = {
            "site": event.site, "ts": event.ts, "keys": numbers, "visitor": event.visitor,
        }  # fmt: skip
        return bool(self._engine.ask(Query(text=text, params=params)).rows[0][0])

    def _tell_audiences(self, events: Iterable[Seen], keys: Mapping[str, Keys]) -> None:
        """What the list says of them now; a decision made meanwhile comes with a batch of its own."""
        decided: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for event in events:
            if _verdict(event) is not None:
                decided[event.site].update(_people(event))
        for site, people in decided.items():
            hashes = {who: hash_of(keys[site], *who) for who in people}
            found = self._suppressions.find(site, hashes.values())
            now_ms = time.time_ns() // 1_000_000
            for listed in (True, False):
                some = [_key(*who) for who in people if (hashes[who] in found) == listed]
                if some:
                    suppress(self._engine, site, some, listed=listed, version=now_ms)


def _verdict(event: Seen) -> bool | None:
    if event.type != "consent" or event.analytics < 0:
        return None
    return event.analytics == 0


def _key(kind: str, stored: str) -> int:
    return visitor_key(stored) if kind == "visitor" else user_key(stored)


def _people(event: Seen) -> list[tuple[str, str]]:
    return [(kind, stored) for kind, stored in (("visitor", event.visitor), ("user", event.user)) if stored]


def _subject(event: Seen) -> str:
    return f"u:{event.user}" if event.user else f"v:{event.visitor}"


def _said(event: Seen) -> tuple[int, int, int, str]:
    return event.analytics, event.ads, event.gpc, event.consent


def _choice(event: Seen) -> Choice:
    return Choice(
        site=event.site,
        subject=_subject(event),
        at=event.ts,
        analytics=event.analytics,
        ads=event.ads,
        gpc=event.gpc,
        mode=event.mode.partition(":")[0],
        source=event.source,
        event=event.id,
        text_hash=event.consent,
        text=event.consent_text,
    )


def _deeds(keys: Keys, event: Seen, *, later: bool) -> Iterable[Deed]:
    """GPC is an opt-out of the browser and of who is known to sit before it; a refusal is a withdrawal.

    `later`: the site lets an explicit yes to ads overrule GPC (P-06); only a decision of the person is one.
    """
    people = _people(event)
    listed = _verdict(event)
    now_ms = time.time_ns() // 1_000_000
    for kind, stored in people:
        wanted = hash_of(keys, kind, stored)
        if later and event.ads == 1:
            if event.type == "consent":
                yield Deed(event.site, wanted, kind, Reason.GPC, min(event.ts, now_ms), lift=True)
        elif event.gpc:
            yield Deed(event.site, wanted, kind, Reason.GPC, min(event.ts, now_ms))
        if listed is not None:
            yield Deed(event.site, wanted, kind, Reason.WITHDRAWN, min(event.ts, now_ms), lift=not listed)
