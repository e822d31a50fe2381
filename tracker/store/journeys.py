"""The journey table as `tracker.loader.journeys` writes it and funnels read it. Why: `docs/decisions/journeys.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tracker.store.engine import Engine, Param, Query, Rows
from tracker.store.sql import Fragment, fill, load

LANES = 24
"""Names that have a lane of a site: the most frequent ones. What is rare costs little in `events` too."""

TIME_SHIFT, ORDER_SHIFT = 27, 19
"""Where the milliseconds and the place among those of one millisecond stand in a number."""
SPAN_MS = 2**36 - 2
"""How far from `since` on a number can hold a time: two years."""
KEPT_NS = 36 * 3_600_000_000_000
"""How far behind `seen` may be: `touched` forgets after two days."""


@dataclass(frozen=True)
class Coded:
    """A property whose values are kept as codes: a column of `events`, its list in `journey_sites`, its bits."""

    column: str
    texts: str
    shift: int
    bits: int

    @property
    def most(self) -> int:
        """How many texts have a code; 0 is none."""
        return int(2**self.bits - 1)

    @property
    def mask(self) -> int:
        """All bits, in their place."""
        return self.most << self.shift


CODED = (
    Coded("channel", "channels", 13, 6),
    Coded("device", "devices", 8, 5),
    Coded("country", "countries", 0, 8),
)

_COLUMNS = [
    ("site", "String"), ("version", "UInt64"), ("made", "UInt64"), ("since", "Int64"), ("seen", "UInt64"),
    ("moved", "UInt64"), ("units", "UInt64"), ("names", "Array(String)"), ("countries", "Array(String)"),
    ("devices", "Array(String)"), ("channels", "Array(String)"),
]  # fmt: skip


@dataclass(frozen=True)
class Held:
    """How a site's journeys are to be read: see the table `journey_sites`. `made` 0: not at all."""

    site: str
    version: int = 0
    made: int = 0
    since: int = 0
    seen: int = 0
    moved: int = 0
    units: int = 0
    names: tuple[str, ...] = ()
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def params(self) -> dict[str, Param]:
        """What `changed` needs."""
        return {"site": self.site, "seen": self.seen, "moved": self.moved}


def held(engine: Engine, site: str) -> Held:
    """How it is now. One look-up of about a millisecond."""
    found = engine.ask(Query(text=load(__package__, "journeys"), params={"site": site})).dicts()
    if not found:
        return Held(site)
    [row] = found
    texts = {one.column: tuple(row[one.texts]) for one in CODED}
    numbers = {name: int(row[name]) for name in ("version", "made", "since", "seen", "moved", "units")}
    return Held(site, names=tuple(row["names"]), texts=texts, **numbers)


def hold(engine: Engine, now: Held) -> Held:
    """Say how a site's journeys are to be read from now on; gives it with its version."""
    text = "select greatest((select max(version) from journey_sites) + 1, toUInt64(toUnixTimestamp64Micro(now64(6))))"
    fresh = replace(now, version=int(engine.ask(Query(text=text)).rows[0][0]))
    texts = [list(fresh.texts.get(column, ())) for column in ("country", "device", "channel")]
    row = [
        *(fresh.site, fresh.version, fresh.made, fresh.since, fresh.seen, fresh.moved, fresh.units),
        *(list(fresh.names), *texts),
    ]
    names = ", ".join(name for name, _ in _COLUMNS)
    text = f"insert into journey_sites ({names}) select {names} from /*table:given*/"  # noqa: S608 - our own names
    engine.command(Query(text=text, tables={"given": Rows(columns=_COLUMNS, data=[row])}))
    return fresh


def forget(engine: Engine, site: str) -> None:
    """A site's journeys are not to be read any more, until they are made anew."""
    if engine.cluster is None and held(engine, site).made:
        hold(engine, Held(site))


def clock(engine: Engine) -> int:
    """The store's own clock, of which `touched.at` is, in nanoseconds."""
    return int(engine.ask(Query(text="select toUInt64(toUnixTimestamp64Nano(now64(9)))")).rows[0][0])


def changed(state: Held) -> Fragment:
    """Persons (`unit`) to whom something happened since: a SELECT."""
    return Fragment(load(__package__, "journey_changed"), state.params)


def owned(units: str, site: str) -> Fragment:
    """All keys (`key`) of the persons in a table and whose they are (`person`): a SELECT."""
    filled = fill(load(__package__, "journey_owned"), {"units": Fragment(units)}, {"site": site})
    return Fragment(filled.text, filled.params)
