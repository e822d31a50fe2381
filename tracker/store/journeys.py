"""The journey table as `tracker.loader.journeys` writes it and funnels read it. Why: `docs/decisions/journeys.md`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tracker.store import persons
from tracker.store.engine import Engine, Param, Query, Rows, Session
from tracker.store.sql import Fragment, fill, load

NAMES = 60
"""Key names that a site can have: a bit each."""
MOST_NAMES = 255
"""Names that have a code, key names among them; 0 is none."""
ON_PATH = "type not in ('identify', 'alias', 'group', 'consent')"
"""SQL: whether an event is something that a person did, and so on a path."""
APART = 63
"""The bit of `codes` of those whom only `events` can tell about."""
TIED = 62
"""The bit of those with two different events in one millisecond; the arrays hold them in their order."""
UNTOLD = 61
"""The bit of those whose paths only `events` can tell about; the key events are held."""
MOST_HELD = 2**20
"""Key events, or events on paths, of a person, of which no more can be held."""
SPAN_MS = 2**32 - 2
"""How far from `since` on a time can be held: 49 days."""
KEPT_NS = 36 * 3_600_000_000_000
"""How far behind `seen` may be: `touched` forgets after two days."""


def pair_bit(before: int, after: int) -> int:
    """The bit of `pairs` that says that an event of the one code may stand before one of the other."""
    return (before + 29 * after) % 64


@dataclass(frozen=True)
class Coded:
    """A property whose values are kept as codes: a column of `events`, its list in `journey_sites`."""

    column: str
    texts: str


MOST_TEXTS = 255
"""How many texts have a code; 0 is none."""
CODED = (Coded("country", "countries"), Coded("device", "devices"), Coded("channel", "channels"))

_OF_SITE = "site = {site:String} and made = {made:UInt64}"
_NUMBERS = (
    *("version", "made", "since", "first", "last", "seen", "moved", "units", "apart", "tied"),
    *("late", "paid", "spent", "untold"),
)
_SIGNED = ("since", "first", "last")
_LISTS = ("names", "others", "left_out", *(one.texts for one in CODED))
_COLUMNS = [
    ("site", "String"),
    *((name, "Int64" if name in _SIGNED else "UInt64") for name in _NUMBERS),
    *((name, "Array(String)") for name in _LISTS),
]


@dataclass(frozen=True)
class Held:
    """How a site's journeys are to be read: see the table `journey_sites`. `made` 0: not at all."""

    site: str
    version: int = 0
    made: int = 0
    since: int = 0
    first: int = 0
    last: int = 0
    seen: int = 0
    moved: int = 0
    units: int = 0
    apart: int = 0
    tied: int = 0
    late: int = 0
    paid: int = 0
    spent: int = 0
    untold: int = 0
    names: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    now: int = field(default=0, compare=False)
    """The store's own clock when this was read, of which `touched.at` is, in nanoseconds."""

    @property
    def params(self) -> dict[str, Param]:
        """What `touched` needs."""
        return {"site": self.site, "seen": self.seen, "moved": self.moved, "late": self.late}

    @property
    def rows(self) -> dict[str, Param]:
        """What statements about the site's rows need."""
        return {"site": self.site, "made": self.made, "apart": 1 << APART, "tied": 1 << TIED, "untold": 1 << UNTOLD}

    @property
    def told(self) -> str:
        """A test of a row, with `rows` as parameters: whether it tells of its person."""
        return f"{_OF_SITE} and codes < {{apart:UInt64}}"

    @property
    def walked(self) -> str:
        """A test of a row: whether it tells of its person's paths, too."""
        return f"{self.told} and bitAnd(codes, {{untold:UInt64}}) = 0"

    def code(self, name: str) -> int:
        """Of a key name. ValueError: it is none."""
        return self.names.index(name) + 1


def held(engine: Engine, site: str) -> Held:
    """How it is now, at a store that is no cluster. One look-up of about a millisecond."""
    found = engine.ask(Query(text=load(__package__, "journeys"), params={"site": site})).dicts()
    if not found:
        return Held(site)
    [row] = found
    texts = {one.column: tuple(row[one.texts]) for one in CODED}
    numbers = {name: int(row[name]) for name in _NUMBERS}
    names, others, left_out = (tuple(row[one]) for one in ("names", "others", "left_out"))
    return Held(site, names=names, others=others, left_out=left_out, texts=texts, now=int(row["now"]), **numbers)


def version(engine: Engine, site: str) -> int:
    """Of the site's state as it is now; 0 where there is none."""
    text = "select max(version) from journey_sites where site = {site:String}"
    return int(engine.ask(Query(text=text, params={"site": site})).rows[0][0])


def hold(engine: Engine, now: Held) -> Held:
    """Say how a site's journeys are to be read from now on; gives it with its version."""
    text = "select greatest((select max(version) from journey_sites) + 1, toUInt64(toUnixTimestamp64Micro(now64(6))))"
    fresh = replace(now, version=int(engine.ask(Query(text=text)).rows[0][0]))
    texts = [list(fresh.texts.get(one.column, ())) for one in CODED]
    row = [
        fresh.site,
        *(getattr(fresh, name) for name in _NUMBERS),
        *(list(fresh.names), list(fresh.others), list(fresh.left_out), *texts),
    ]
    names = ", ".join(name for name, _ in _COLUMNS)
    text = f"insert into journey_sites ({names}) select {names} from /*table:given*/"  # noqa: S608 - our own names
    engine.command(Query(text=text, tables={"given": Rows(columns=_COLUMNS, data=[row])}))
    return fresh


def forget(engine: Engine, site: str) -> None:
    """A site's journeys are not to be read any more, until they are made anew."""
    if engine.cluster is None and held(engine, site).made:
        hold(engine, Held(site))


def wanted(engine: Engine, site: str) -> set[str]:
    """Names that funnels asked for in vain."""
    text = "select distinct event from journey_wanted where site = {site:String}"
    return {str(name) for (name,) in engine.ask(Query(text=text, params={"site": site})).rows}


def want(engine: Engine, site: str, names: Iterable[str]) -> None:
    """Have these names held from the next making on."""
    if news := sorted(set(names) - wanted(engine, site)):
        text = "insert into journey_wanted (site, event) select {site:String}, arrayJoin({names:Array(String)})"
        engine.command(Query(text=text, params={"site": site, "names": news}))


def news(engine: Engine | Session, state: Held) -> tuple[int, int]:
    """How many keys something happened to since, at most, and how many of them may have gone over to somebody else."""
    text = (
        "select (select count() from touched where site = {site:String} and at > {seen:UInt64}),"
        " (select count() from person_map where site = {site:String} and version > {moved:UInt64}),"
        " (select count() from journey_late where site = {site:String} and mark = {late:UInt64})"
    )
    [(came, over, waiting)] = engine.ask(Query(text=text, params=state.params)).rows
    return int(came) + int(over) + int(waiting), int(over) + int(waiting)


def apart(state: Held, *, paths: bool = False) -> Fragment:
    """The persons (`unit`) whom only `events` can tell about: a subquery. `paths`: or whose paths it alone can."""
    test = "(codes >= {apart:UInt64} or bitAnd(codes, {untold:UInt64}) != 0)" if paths else "codes >= {apart:UInt64}"
    test = f"{_OF_SITE} and {test} and codes < {{apart:UInt64}} + {{tied:UInt64}}"
    return Fragment(f"(select unit from journeys where {test})", state.rows)  # noqa: S608 - our own text


def touched(state: Held, *, over: bool) -> Fragment:
    """Keys (`key`, `went`) to which something happened since: a SELECT. `over`: some may have gone over."""
    if not over:
        text = "select distinct key, 0 as went from touched where site = {site:String} and at > {seen:UInt64}"
        return Fragment(text, state.params)
    return Fragment(fill(load(__package__, "journey_touched"), {"moved": persons.moved()}).text, state.params)


def changed(keys: Fragment, site: str) -> Fragment:
    """The persons (`unit`) behind such keys in a table (or a SELECT): a SELECT."""
    table = Fragment(keys.text if keys.text.isidentifier() else f"({keys.text})", keys.params)
    filled = fill(load(__package__, "journey_changed"), {"touched": table}, {"site": site})
    return Fragment(filled.text, filled.params)


def owned(units: Fragment, site: str) -> Fragment:
    """All keys (`key`) of the persons in a table (or in a subquery) and whose they are (`person`): a SELECT."""
    filled = fill(load(__package__, "journey_owned"), {"units": units}, {"site": site})
    return Fragment(filled.text, filled.params)
