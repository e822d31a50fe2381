"""One site's month of the journey table, out of `events`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tracker.store.clean import events_source
from tracker.store.engine import Engine, Query, Rows
from tracker.store.journeys import CODED, LANES, month_start, next_month
from tracker.store.sql import Fragment, fill, load

_AT_ONCE = 3_000_000
"""Events in one statement: about a second, and 300 MB."""

_SITES = "select distinct site from events where toYYYYMM(ts) = {month:UInt32}"
_KEPT_OF = "(select key, person from journey_persons where version = {version:UInt64} and site = {site:String})"
_SHARED = f"(select key from {_KEPT_OF} union all select person as key from {_KEPT_OF})"  # noqa: S608
_ANY = f"select 1 from {_KEPT_OF} limit 1"  # noqa: S608 - our own names only
_LANE_COLUMNS = [
    ("site", "String"), ("month", "UInt32"), ("version", "UInt64"), ("names", "Array(String)"),
    ("counts", "Array(UInt64)"), ("others", "UInt64"), ("countries", "Array(String)"), ("devices", "Array(String)"),
    ("channels", "Array(String)"), ("crowded", "Array(String)"), ("uneven", "UInt64"), ("persons", "UInt64"),
]  # fmt: skip


@dataclass(frozen=True)
class Lanes:
    """How a site's month was made: see `journey_lanes`."""

    site: str
    names: tuple[str, ...]
    counts: tuple[int, ...]
    others: int
    texts: dict[str, tuple[str, ...]]
    crowded: tuple[str, ...]


def sites(engine: Engine, month: int) -> list[str]:
    """Sites with events in the month."""
    return sorted(site for (site,) in engine.ask(Query(text=_SITES, params={"month": month})).rows)


def keep_persons(engine: Engine, version: int) -> int:
    """Keep `person_map` as it is, to make a month by it; gives a version of the map that is surely in it."""
    known = int(engine.ask(Query(text="select max(version) from person_map")).rows[0][0])
    text = (
        "insert into journey_persons (version, site, key, person) select {version:UInt64}, site, key,"
        " argMax(person_map.person, person_map.version) from person_map group by site, key"
    )
    engine.command(Query(text=text, params={"version": version}))
    return known


def make(engine: Engine, site: str, month: int, version: int, stop: threading.Event) -> Lanes | None:
    """Put the site's month into `journeys_made`, a part at a time. None: told to stop."""
    span = {"from": month_start(month), "until": month_start(next_month(month))}
    most = max(one.most for one in CODED) + 2
    text = load(__package__, "folding_month")
    found = engine.ask(fill(text, {"events": events_source(engine)}, {"site": site, "most": most, **span})).dicts()
    lanes = _lanes(site, found)
    events = sum(lanes.counts)
    parts = -(-events // _AT_ONCE)
    edges = [2**64 * part // parts for part in range(parts)] + [2**64] if parts else []
    shared = bool(engine.ask(Query(text=_ANY, params={"version": version, "site": site})).rows)
    sequence = max((row["sequence"] for row in found), default=0)
    work = _Work(engine, lanes, month, version, shared, sequence)
    for low, high in pairwise(edges):
        for together in (False, True) if shared else (False,):
            if stop.is_set():
                return None
            engine.command(work.part(low, high - 1, together=together))
    return lanes


def keep_lanes(engine: Engine, made: Sequence[Lanes], month: int, version: int, persons: int) -> None:
    """Say how the month was made."""
    text = "select site, countIf(uneven) from journeys where month = {month:UInt32} group by site"
    uneven = dict(engine.ask(Query(text=text, params={"month": month})).rows)
    data = [
        [
            one.site, month, version, list(one.names), list(one.counts), one.others, list(one.texts["country"]),
            list(one.texts["device"]), list(one.texts["channel"]), list(one.crowded), uneven.get(one.site, 0), persons,
        ]
        for one in made
    ]  # fmt: skip
    if data:
        names = ", ".join(name for name, _ in _LANE_COLUMNS)
        rows = Rows(columns=_LANE_COLUMNS, data=data)
        text = f"insert into journey_lanes ({names}) select {names} from /*table:given*/"  # noqa: S608
        engine.command(Query(text=text, tables={"given": rows}))


def _lanes(site: str, found: Sequence[dict[str, object]]) -> Lanes:
    held = found[:LANES]
    texts, crowded = {}, []
    for one in CODED:
        column = "countries" if one.column == "country" else f"{one.column}s"
        values = sorted({text for row in found for text in row[column] if text})  # type: ignore[attr-defined]
        if len(values) > one.most:
            crowded.append(one.column)
            values = []
        texts[one.column] = tuple(values)
    return Lanes(
        site=site,
        names=tuple(str(row["event"]) for row in held),
        counts=tuple(int(row["events"]) for row in held),  # type: ignore[call-overload]
        others=len(found) - len(held),
        texts=texts,
        crowded=tuple(crowded),
    )


@dataclass(frozen=True)
class _Work:
    """A site's month while it is made. `shared`: some persons have several keys."""

    engine: Engine
    lanes: Lanes
    month: int
    version: int
    shared: bool
    sequence: int

    def part(self, low: int, high: int, *, together: bool) -> Query:
        """`together`: those units that have more than one key, or may have; else those of a single key."""
        unit, persons = "key", ""
        part = f"key >= {low} and key <= {high}"
        if together:
            unit = "if(persons.person = 0, key, persons.person)"
            persons = f"any left join {_KEPT_OF} as persons using (key)"
            part = f"key in {_SHARED} and {unit} >= {low} and {unit} <= {high}"
        elif self.shared:
            part += f" and key not in {_SHARED}"
        columns = [f"arrayFilter((m, l) -> l = {at}, moments, lane)" for at in range(1, len(self.lanes.names) + 1)]
        columns += ["emptyArrayUInt64()"] * (LANES - len(columns))
        wide, bits = ("UInt128", 16) if self.sequence < 2**16 else ("UInt256", 32)
        codes: dict[str, list[str] | list[int]] = {}
        for one in CODED:
            texts = ["", *self.lanes.texts[one.column]]
            codes[one.texts] = texts
            codes[f"{one.column}_codes"] = list(range(len(texts)))
        return fill(
            load(__package__, "folding_make"),
            {
                "unit": Fragment(unit),
                "wide": Fragment(wide),
                "events": events_source(self.engine),
                "persons": Fragment(persons),
                "part": Fragment(part),
                "lanes": Fragment(", ".join(columns)),
            },
            {
                "site": self.lanes.site,
                "month": self.month,
                "version": self.version,
                "from": month_start(self.month),
                "until": month_start(next_month(self.month)),
                "time_shift": 80 + bits,
                "names": list(self.lanes.names),
                "lanes": list(range(1, len(self.lanes.names) + 1)),
                **codes,
            },
            settings={"join_algorithm": "hash"},
        )
