"""The overview's figures out of what is kept of builds (`store/rollup_kept`), and what came since.

For questions to which something has to be added; no day of them is counted from events.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from pyroaring import BitMap

from tracker.store import rollup_cells, rollup_kept
from tracker.store.engine import Engine
from tracker.store.rollup_beside import Beside, Since, beside, lately
from tracker.store.rollup_kept import BY_EVENTS, NOTHING, Builds, Entry, Kept, Sums
from tracker.store.rollup_sets import NOBODY, Coded, Keys, Moves, united
from tracker.store.rollup_spans import Span, chosen
from tracker.store.rollups import Road

_Found = dict[str, list[dict[str, Any]]]
_NONE = (BitMap(), NOBODY)


@dataclass(frozen=True)
class Asked:
    """top: entries of each list; 0: totals and days alone. spans: the site's."""

    site: str
    timezone: str
    road: Road
    top: int = 0
    spans: Sequence[Span] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The lists that are asked for."""
        return rollup_cells.KINDS if self.top else rollup_cells.KINDS[:1]

    def builds(self) -> Iterator[Builds]:
        """Those of days that are over together, because they change once a day; each other one alone."""
        closed = [day for day in self.road.used if not day.cut]
        spans = chosen(self.spans, closed)
        for days in (closed, *([day] for day in self.road.used if day.cut)):
            if days:
                yield Builds(self.site, self.timezone, ("day",), days)
                if self.top:
                    yield Builds(
                        self.site, self.timezone, rollup_cells.KINDS[1:], days, spans if days is closed else ()
                    )


@dataclass(frozen=True)
class _Came:
    """What came since, by entry."""

    sums: dict[Entry, Sums] = field(default_factory=dict)
    people: dict[Entry, tuple[BitMap, Keys]] = field(default_factory=dict)
    buyers: dict[Entry, tuple[BitMap, Keys]] = field(default_factory=dict)


def counted(engine: Engine, asked: Asked, aside: Executor | None) -> _Found | None:
    """Rows by list as of `overview_rollups.counted`; None: they cannot be told from what is kept.

    aside: for what is done beside.
    """
    builds = list(asked.builds())
    if not rollup_kept.warm(builds):
        return None
    ahead = aside.submit(_ahead, engine, builds, asked.top) if aside else None
    since = Since(site=asked.site, timezone=asked.timezone, kinds=asked.kinds, once=True)
    with beside(engine, since, asked.road.opened) as said:
        came = _came(said)
    parts = ahead.result() if ahead else _ahead(engine, builds, asked.top)
    return _told(engine, asked, parts, came, said) if parts is not None else None


def people(engine: Engine, asked: Asked, interval: Callable[[str], str]) -> dict[str, int] | None:
    """Persons by interval. interval: of a day (YYYY-MM-DD); None as of `counted`."""
    builds = list(asked.builds())
    if not rollup_kept.warm(builds):
        return None
    since = Since(site=asked.site, timezone=asked.timezone, kinds=asked.kinds, visits=False, once=True)
    with beside(engine, since, asked.road.opened) as said:
        came = _came(said)
    parts = _ahead(engine, builds, asked.top)
    if parts is None:
        return None
    told = _Told(engine, parts, came, said, Moves(asked.road.moves))
    days: dict[str, list[str]] = {}
    for day in told.entries("day"):
        days.setdefault(interval(day), []).append(day)
    return {name: told.together(some)["people"] for name, some in days.items()}


def _ahead(engine: Engine, builds: Sequence[Builds], top: int) -> list[Kept] | None:
    """What is kept, with the sets that are needed whatever came."""
    parts = []
    for of in builds:
        one = rollup_kept.kept(engine, of)
        if one is None or one.sets(engine, one.always(top)) is None:
            return None
        parts.append(one)
    rollup_kept.trim()
    return parts


def _came(said: Beside) -> _Came:
    came = _Came()
    for row in lately(said):
        entry, sets = (str(row["list"]), str(row["item"])), Coded(row["sets"])
        people, buyers = sets.numbers(), sets.numbers()
        came.sums[entry] = rollup_kept.sums(row)
        came.people[entry], came.buyers[entry] = (people, sets.keys()), (buyers, sets.keys())
    return came


class _Told:
    """Adds up. `changed`: channels of the builds `opened` that do not count any more."""

    def __init__(self, engine: Engine, parts: Sequence[Kept], came: _Came, said: Beside, moves: Moves) -> None:
        self.engine, self.parts, self.came, self.moves = engine, parts, came, moves
        self.opened = {one.build for one in said.opened}
        self.changed = set(said.changed)

    def of(self, kind: str) -> list[Kept]:
        """What is kept of a list."""
        return [part for part in self.parts if kind in part.of.kinds]

    def counts(self, part: Kept, kind: str, entry: str) -> bool:
        """Whether an entry of builds still counts."""
        return kind != "channel" or entry not in self.changed or part.of.days[0].build not in self.opened

    def entries(self, kind: str) -> list[str]:
        """All entries of a list that are known of."""
        found = dict.fromkeys(entry for part in self.of(kind) for entry in part.entries(kind))
        return list(found | dict.fromkeys(entry for one, entry in self.came.sums if one == kind))

    def each(self, kind: str, entry: str) -> Iterator[Sums]:
        """Figures of an entry."""
        for part in self.of(kind):
            if self.counts(part, kind, entry):
                yield part.sums(kind, entry) or NOTHING
        yield self.came.sums.get((kind, entry), NOTHING)

    def biggest(self, kind: str, top: int) -> list[str] | None:
        """The entries with the most events. None: others may have as many.

        Of an entry whose figures are not kept of some builds, it is known how many events it can have there at most.
        """
        parts = self.of(kind)
        limits = [part.beyond.get(kind, 0) for part in parts]
        most: dict[str, int] = {}
        sure: dict[str, int] = {}
        for entry in self.entries(kind):
            least = self.came.sums.get((kind, entry), NOTHING).events
            maybe = 0
            for part, limit in zip(parts, limits, strict=True):
                one = part.sums(kind, entry)
                least, maybe = (least + one.events, maybe) if one is not None else (least, maybe + limit)
            sure[entry], most[entry] = least, least + maybe
        bar = min(heapq.nlargest(top, sure.values()), default=0)
        if any(limits) and (len(sure) < top or sum(limits) >= bar):
            return None
        for part in parts:
            part.look(
                self.engine,
                kind,
                [entry for entry, events in most.items() if events >= bar and events > sure[entry]],
            )
        events = {
            entry: sum(one.events for one in self.each(kind, entry)) for entry, many in most.items() if many >= bar
        }
        return sorted(events, key=lambda entry: (-events[entry], entry.encode()))[:top]

    def rows(self, kind: str, entries: Sequence[str]) -> list[dict[str, Any]] | None:
        """Rows of entries; None: their sets are too much."""
        sets: dict[str, list[BitMap]] = {entry: [] for entry in entries}
        for part in self.of(kind):
            found = part.sets(self.engine, [(kind, entry) for entry in entries])
            if found is None:
                return None
            for (_, entry), (people, _) in found.items():
                if self.counts(part, kind, entry):
                    sets[entry].append(people)
        told = []
        for entry in entries:
            came, keys = self.came.people.get((kind, entry), _NONE)
            numbers = united([*sets[entry], came])
            told.append({"entry": entry, **_sums(self.each(kind, entry)), "people": self.moves.count(numbers, [keys])})
        return told

    def together(self, days: Sequence[str]) -> dict[str, Any]:
        """The row of some days; their sets are kept (`rows`)."""
        built: list[tuple[BitMap, BitMap]] = []
        for part in self.of("day"):
            built += (part.sets(self.engine, [("day", day) for day in days]) or {}).values()
        figures = {"people": (0, self.came.people), "buyers": (1, self.came.buyers)}
        found = {}
        for name, (at, came) in figures.items():
            lately = [came.get(("day", day), _NONE) for day in days]
            numbers = united([*(sets[at] for sets in built), *(numbers for numbers, _ in lately)])
            found[name] = self.moves.count(numbers, [keys for _, keys in lately])
        return {"entry": "", **_sums(one for day in days for one in self.each("day", day)), **found}


def _told(engine: Engine, asked: Asked, parts: Sequence[Kept], came: _Came, said: Beside) -> _Found | None:
    told = _Told(engine, parts, came, said, Moves(asked.road.moves))
    found: _Found = {}
    for kind in asked.kinds:
        entries = told.biggest(kind, asked.top) if kind in BY_EVENTS else sorted(told.entries(kind))
        rows = told.rows(kind, entries) if entries is not None else None
        if rows is None:
            return None
        if kind == "day":
            found["series"] = rows
            continue
        if kind not in BY_EVENTS:
            rows = sorted(rows, key=lambda row: (-row["people"], row["entry"].encode()))[: asked.top]
        found[kind] = rows
    return {"total": [told.together(told.entries("day"))], **found}


def _sums(each: Iterable[Sums]) -> dict[str, Any]:
    """Added up."""
    found: dict[str, Any] = dict.fromkeys(("events", "page_views", "purchases", "sessions"), 0)
    revenue: dict[str, float] = {}
    for one in each:
        for name in found:
            found[name] += getattr(one, name)
        for unit, amount in (one.revenue or {}).items():
            revenue[unit] = revenue.get(unit, 0.0) + amount
    return {**found, "revenue": revenue}
