"""What builds say alone, kept in this process: figures of their lists, and sets of the entries that were asked for.

A build never changes, so this holds as long as a question uses the same ones: what came since is added to it in
microseconds (`rollup_sets`), where ClickHouse would read and unite hundreds of kilobytes an entry each time.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyroaring import BitMap

from tracker.store import rollup_spans, rollups
from tracker.store.engine import Engine, Param, Query
from tracker.store.rollup_sets import Coded, coded
from tracker.store.rollup_spans import Span
from tracker.store.rollups import Day, Road
from tracker.store.sql import Fragment, fill, load

ROOM = 256 * 2**20
"""Bytes of all that is kept. What was not asked for longest goes."""

MOST = 2_000
"""Entries of a list whose figures are kept, those with the most events."""

AHEAD = 20
"""Of a build that follows another so many of the biggest events and pages are kept at once."""

BY_EVENTS = ("event", "page")
"""Lists in the order of their events, of which many entries may be kept, and few are told."""

_WANTED = 100
_LATELY = 600.0  # seconds: who has looked within these looks again
_ENTRY = 300  # bytes of one without its sets, about
Entry = tuple[str, str]  # list, and what of it: the day in the list `day`


@dataclass(frozen=True)
class Sums:
    """Figures of an entry that can be added up. revenue: by day and currency."""

    events: int = 0
    page_views: int = 0
    purchases: int = 0
    sessions: int = 0
    revenue: Mapping[str, float] | None = None


NOTHING = Sums()


@dataclass(frozen=True)
class Builds:
    """Of which builds. kinds: lists; spans: that stand for some of the days, for all kinds but `day`."""

    site: str
    timezone: str
    kinds: tuple[str, ...]
    days: Sequence[Day]
    spans: Sequence[Span] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        """Whether two say the same."""
        return (self.site, self.timezone, self.kinds, tuple(day.build for day in self.days))

    def query(self, name: str, params: Mapping[str, Param], slots: Mapping[str, Fragment] | None = None) -> Query:
        """A file of this package about their rows."""
        within = [number for span in self.spans for number, _ in span.days]
        spans = rollup_spans.parts(self.spans) if self.spans else None
        rows = rollups.parts(Road(used=self.days), (), spans, within)
        base: dict[str, Param] = {"site": self.site, "timezone": self.timezone, "kinds": list(self.kinds)}
        given = {"parts": rows, "in_parallel": rollups.IN_PARALLEL, **(slots or {})}
        return fill(load(__package__, name), given, {**base, **params})


class Kept:
    """Figures and sets of some builds. `size`: bytes, about.

    beyond: of lists that have more entries than are kept, the most events that one of the others can have.
    """

    def __init__(self, of: Builds, rows: Sequence[Mapping[str, Any]], highest: int) -> None:
        self.of = of
        self._sums = {(str(row["list"]), str(row["item"])): sums(row) for row in rows}
        self._sets: dict[Entry, tuple[BitMap, BitMap]] = {}
        self._highest = highest
        self._lock = threading.Lock()
        self.asked = time.monotonic()  # when it was asked for last
        many: dict[str, list[int]] = {}
        for (kind, _), one in self._sums.items():
            many.setdefault(kind, []).append(one.events)
        self.beyond = {kind: min(events) for kind, events in many.items() if len(events) >= MOST}
        self.size = len(self._sums) * _ENTRY

    def entries(self, kind: str) -> list[str]:
        """Those of a list that figures are kept of."""
        return [entry for one, entry in self._sums if one == kind]

    def always(self, top: int) -> list[Entry]:
        """Entries whose sets every question for the biggest `top` needs, and most likely the others."""
        return [
            (kind, entry)
            for kind in self.of.kinds
            for entry in self.entries(kind)[: top if kind in BY_EVENTS else None]
        ]

    def sums(self, kind: str, entry: str) -> Sums | None:
        """Figures of an entry; None: they are not kept."""
        return self._sums.get((kind, entry), None if kind in self.beyond else NOTHING)

    def look(self, engine: Engine, kind: str, entries: Iterable[str]) -> None:
        """Keep figures of some entries, too."""
        if missing := [entry for entry in entries if self.sums(kind, entry) is None]:
            which = Fragment("where kind = {kind:String} and entry in {entries:Array(String)}")
            asked = self.of.query(
                "rollup_sums", {"kind": kind, "entries": missing, "most": len(missing)}, {"which": which}
            )
            found = {str(row["item"]): sums(row) for row in engine.ask(asked).dicts()}
            with self._lock:
                # another one, because others may go through it
                self._sums = {**self._sums, **{(kind, entry): found.get(entry, NOTHING) for entry in missing}}
                self.size = self.size + len(missing) * _ENTRY

    def sets(self, engine: Engine, wanted: Iterable[Entry]) -> Mapping[Entry, tuple[BitMap, BitMap]] | None:
        """People and buyers (those of days alone) of some entries; None: that would be too much."""
        asked = [entry for entry in wanted if self._sums.get(entry, NOTHING) is not NOTHING]
        with self._lock:
            missing = [entry for entry in asked if entry not in self._sets]
            if missing and self.size + sum(map(self._most, missing)) > ROOM // 2:
                return None
            if missing:
                self._fetch(engine, missing)
            return {entry: self._sets[entry] for entry in asked if entry in self._sets}

    def asked_for(self) -> list[Entry]:
        """Entries whose sets are kept."""
        with self._lock:
            return list(self._sets)

    def _most(self, entry: Entry) -> int:
        """Bytes that the set of an entry can have."""
        events = self._sums[entry].events
        return min(self._highest // 8, 4 * events or self._highest) + _ENTRY

    def _fetch(self, engine: Engine, missing: Sequence[Entry]) -> None:
        buyers = "groupBitmapMergeState(buyers)" if self.of.kinds == ("day",) else "bitmapBuild(emptyArrayUInt32())"
        asked: dict[str, Param] = {"lists": [kind for kind, _ in missing], "items": [entry for _, entry in missing]}
        sets = Fragment(coded("groupBitmapMergeState(people)", buyers))
        for kind, entry, text in engine.ask(self.of.query("rollup_people", asked, {"sets": sets})).rows:
            found = Coded(text)
            self._sets[str(kind), str(entry)] = (found.numbers(), found.numbers())
            self.size += len(text) * 3 // 4


_kept: OrderedDict[tuple[Any, ...], Kept] = OrderedDict()
_wanted: OrderedDict[tuple[Any, ...], Builds] = OrderedDict()
_lock = threading.Lock()


def pays(road: Road) -> bool:
    """Whether builds that a question uses are worth being kept: something has to be added, or will have to be soon."""
    return bool(road.moves) or any(day.cut for day in road.used)


def warm(some: Sequence[Builds]) -> bool:
    """Whether a question is to be answered from what is kept of these. Not where nothing is and it is the first: that
    would cost it twice as much as the store's answer. What it wants is noted for `renew`, and for the second question.
    """
    with _lock:
        if any(of.key in _kept for of in some) or all(of.key in _wanted for of in some):
            return True
        _wanted.update({of.key: of for of in some})
        while len(_wanted) > _WANTED:
            _wanted.popitem(last=False)
        return False


def kept(engine: Engine, of: Builds) -> Kept | None:
    """What is kept of some builds, and is asked for now where nothing is. None: they cannot be kept."""
    with _lock:
        found = _kept.get(of.key)
        if found is not None:
            found.asked = time.monotonic()
            found.of = of  # with the spans that there are now
            _kept.move_to_end(of.key)
    if found is None:
        rows = engine.ask(of.query("rollup_sums", {"most": MOST}, {"which": Fragment("")})).dicts()
        found = Kept(of, rows, int(rows[0]["highest"]) if rows else 0)
        with _lock:
            found = _kept.setdefault(of.key, found)
            _wanted.pop(of.key, None)
    return None if found.beyond.keys() - set(BY_EVENTS) else found


def trim() -> None:
    """Let go of what was not asked for longest where there is too much."""
    with _lock:
        left = sum(one.size for one in _kept.values())
        while left > ROOM and len(_kept) > 1:
            left -= _kept.popitem(last=False)[1].size


def renew(engine: Engine, site: str, timezone: str, noted: Sequence[Span]) -> int:
    """Keep what the first question wanted, and of builds that have taken the place of others what was kept of those, if
    that was asked for lately: then no question waits for it. Gives how many. noted: the site's spans.
    """
    done = _as_wanted(engine, site, timezone)
    with _lock:
        ours = [one for one in _kept.values() if (one.of.site, one.of.timezone) == (site, timezone)]
    lately = [one for one in ours if time.monotonic() - one.asked < _LATELY]
    if not lately:
        return done
    numbers = [day.number for one in lately for day in one.of.days]
    days = {day.number: day for day in rollups.days(engine, site, timezone, range(min(numbers), max(numbers) + 1)).days}
    for one in lately:
        now = [days[day.number] for day in one.of.days if day.number in days and days[day.number].build]
        same = len(now) == len(one.of.days) and all(
            (a.cut > 0) == (b.cut > 0) for a, b in zip(now, one.of.days, strict=True)
        )
        spans = rollup_spans.chosen(noted, now) if one.of.spans else ()
        of = Builds(site, timezone, one.of.kinds, now, spans)
        if not same or of.key == one.of.key:
            continue
        with _lock:
            asked_already = of.key in _kept
        if not asked_already and (new := kept(engine, of)) is not None:
            new.sets(engine, {*one.asked_for(), *new.always(AHEAD)})
            new.asked = one.asked  # nobody has asked for this one yet
            done += 1
        with _lock:
            _kept.pop(one.of.key, None)
    trim()
    return done


def _as_wanted(engine: Engine, site: str, timezone: str) -> int:
    with _lock:
        ours = [of for of in _wanted.values() if (of.site, of.timezone) == (site, timezone)]
        for of in ours:
            del _wanted[of.key]
    done = 0
    for of in ours:
        if (new := kept(engine, of)) is not None:
            new.sets(engine, new.always(AHEAD))
            done += 1
    return done


def forget() -> None:
    """Keep nothing."""
    with _lock:
        _kept.clear()
        _wanted.clear()


def sums(row: Mapping[str, Any]) -> Sums:
    """Figures out of a row."""
    return Sums(row["events"], row["page_views"], row["purchases"], row["sessions"], row["revenue"])
