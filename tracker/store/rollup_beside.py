"""What came since the builds of days that are not over, counted in a connection of its own (`rollup_open`).

It goes in small steps, because ClickHouse would plan and read the rows that came ten times in one statement, which
costs more than all the rest.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import closing, contextmanager
from dataclasses import dataclass

from tracker.store import persons, rollup_cells
from tracker.store.engine import Engine, Param, Query, Session, Settings
from tracker.store.rollup_open import MOST_SINCE, Open, doubted
from tracker.store.sql import Fragment

_ROWS = """
select toDate(ts, {{timezone:String}}) as day, key, event, path, country, device, channel, on_page, visit, in_session,
    value, currency, ts, seq, arrival
from ({since}) as since
limit {most}
"""
SMALL: Settings = {"max_threads": 1}
"""Of the connection: more threads cost more than they bring to small statements."""

_CHANGED = "select distinct was from went where build != 0 and was != entry"
PAGES = "select entry from lately where kind = 'page'"
"""Pages that were seen since the builds, to be asked `beside`."""

_SITES = 1000
_last: dict[tuple[str, str], Sequence[Open]] = {}  # site, zone -> what a question was told last; only ever a guess


@dataclass(frozen=True)
class Beside:
    """Whom to ask. opened: builds that something came for; rows: what came, in the columns of `rollup_cells.COLUMNS`.

    changed: channels of which the builds' own rows do not count any more.
    """

    whom: Engine | Session
    opened: Sequence[Open] = ()
    rows: Fragment | None = None
    changed: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Since:
    """What is to be counted. visits: sessions and channels are asked for, too."""

    engine: Engine
    site: str
    timezone: str
    kinds: Sequence[str]
    visits: bool = True

    def count(self, session: Session, opened: Sequence[Open], given_up: threading.Event) -> Beside:
        """Make the tables that `Beside.rows` reads; stops early where nobody waits for them any more."""
        base: dict[str, Param] = {
            "site": self.site,
            "timezone": self.timezone,
            "kinds": list(self.kinds),
            **_params(self.timezone, opened),
        }

        def keep(name: str, rows: Fragment) -> None:
            if not given_up.is_set():
                text = f"create temporary table {name} engine = Memory as {rows.text}"
                session.command(Query(text=text, params={**base, **rows.params}, settings=SMALL))

        since = _since(self.engine, self.timezone, opened)
        most = len(opened) * MOST_SINCE + 1  # where more came, a build does not hold
        keep("came_rows", Fragment(_ROWS.format(since=since.text, most=most), since.params))
        among = persons.join(Fragment("(select key from came_rows)"))
        keep("came", rollup_cells.filled("rollup_known", {"persons": among, "person": Fragment(persons.PERSON)}))
        came = Fragment("select * from came")
        counted = rollup_cells.cells(came)
        lists = [Fragment(f"select * replace (0 as sessions) from ({counted.text})", counted.params)]  # noqa: S608
        changed: list[str] = []
        if self.visits:
            keep("went", rollup_cells.filled("rollup_went", {"fresh": rollup_cells.visits(came)}))
            lists.append(rollup_cells.filled("rollup_sessions", {}))
            if "channel" in self.kinds and not given_up.is_set():
                lists.append(rollup_cells.channels(Fragment("select * from went")))
                changed = [str(was) for (was,) in session.ask(Query(text=_CHANGED, settings=SMALL)).rows]
                if changed:
                    keep("moved", rollup_cells.filled("rollup_moved", {}))
                    lists.append(rollup_cells.filled("rollup_replaced", {}))
        keep("lately", rollup_cells.together(lists))
        return Beside(session, opened, Fragment("select * from lately", _params(self.timezone, opened)), changed)


class Ahead:
    """Counts what came since some builds while others find out which builds there are, and whether they hold.

    It begins with those that the last question of the same site and zone in this process was told of.
    """

    def __init__(self, of: Since, aside: Executor) -> None:
        self.of = of
        self._aside = aside
        self._given_up = threading.Event()
        self._sessions: list[Session] = []
        self._counted: Future[Beside] | None = None
        self._likely: set[int] = set()

    def begin(self, days: range) -> None:
        """With builds of some days, as known from before."""
        self._begin([one for one in _last.get((self.of.site, self.of.timezone), ()) if one.number in days])

    def expect(self, likely: Sequence[Open]) -> None:
        """These builds there are: begin anew if it began with others."""
        if {one.build for one in likely} != self._likely:
            self._give_up()
            self._begin(likely)
        if likely:
            _last[self.of.site, self.of.timezone] = likely
            while len(_last) > _SITES:
                _last.pop(next(iter(_last)), None)

    def settled(self, opened: Sequence[Open], used: Sequence[int]) -> Beside:
        """Whom to ask about `opened`, where the builds `used` hold. Counts anew if others were likely."""
        if not opened:
            return Beside(self.of.engine)
        if self._counted is not None and self._likely.issubset(used):
            return self._counted.result()
        self._give_up()
        return self._count(opened, threading.Event())

    def close(self) -> None:
        """Let go of connections."""
        self._give_up()
        for session in self._sessions:
            session.close()

    def _begin(self, likely: Sequence[Open]) -> None:
        self._likely = {one.build for one in likely}
        self._given_up = threading.Event()
        self._counted = self._aside.submit(self._count, likely, self._given_up) if likely else None

    def _give_up(self) -> None:
        self._given_up.set()
        if self._counted is not None:
            self._counted.exception()

    def _count(self, opened: Sequence[Open], given_up: threading.Event) -> Beside:
        session = self.of.engine.session()
        self._sessions.append(session)
        return self.of.count(session, opened, given_up)


@contextmanager
def beside(since: Since, opened: Sequence[Open]) -> Iterator[Beside]:
    """Whom to ask: a session that has counted what came since, where something did."""
    if not opened:
        yield Beside(since.engine)
        return
    with closing(since.engine.session()) as session:
        yield since.count(session, opened, threading.Event())


def _since(engine: Engine, timezone: str, opened: Sequence[Open]) -> Fragment:
    """The rows of `recent` that came after the cuts, each event once and none that a build has."""
    days = rollup_cells.between(timezone, [one.number for one in opened], name="open_")
    cut = (
        "transform(toUInt16(toDate(ts, {timezone:String})), {open_days:Array(UInt16)}, {cuts:Array(Int64)},"
        " toInt64(9223372036854775807))"
    )
    mine = f"recent where site = {{site:String}} and {days.text}"
    since = f"at >= fromUnixTimestamp64Milli({{cut:Int64}}) and toUnixTimestamp64Milli(at) >= {cut}"
    text = f"select *, '' as bot from {mine} and {since}"  # noqa: S608 - text of our own
    if any(doubted(engine, timezone, one.number) for one in opened):
        again = f"select id from {mine} and {since}"  # noqa: S608
        had = f"select key, ts, id from {mine} and toUnixTimestamp64Milli(at) < {cut} and id in ({again})"  # noqa: S608
        text += f" and (key, ts, id) not in ({had}) limit 1 by key, ts, id"
    return Fragment(text, {**_params(timezone, opened), "cut": min(one.cut for one in opened)})


def _params(timezone: str, opened: Sequence[Open]) -> dict[str, Param]:
    numbers = [one.number for one in opened]
    return {
        **rollup_cells.between(timezone, numbers, name="open_").params,
        "open_builds": [one.build for one in opened],
        "cuts": [one.cut for one in opened],
    }
