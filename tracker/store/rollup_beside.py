"""What came since the builds of days that are not over, counted in a connection of its own (`rollup_open`).

It goes in small steps, because ClickHouse would plan and read the rows that came ten times in one statement, which
costs more than all the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from tracker.store import persons, rollup_cells
from tracker.store.engine import Engine, Param, Query, Session, Settings
from tracker.store.rollup_open import MOST_SINCE, Open
from tracker.store.rollup_sets import coded
from tracker.store.sql import Fragment, fill, load

_ROWS = """
select toDate(ts, {{timezone:String}}) as day, key, event, path, country, device, channel, on_page, visit, in_session,
    value, currency, ts, seq, arrival
from ({since}) as since
limit {most}
"""
_PERSONS = """
select key, person from person_map final
where site = {site:String} and key in (select key from came_rows)
"""
SMALL: Settings = {"max_threads": 1}
"""Of the connection: more threads cost more than they bring to small statements. What looks for keys among millions, or
for visits, says in its text that it takes all cores.
"""

_CHANGED = "select distinct was from went where build != 0 and was != entry"
PAGES = "select entry from lately where kind = 'page'"
"""Pages that were seen since the builds, to be asked `beside`."""


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
    """What is to be counted. visits: sessions and channels are asked for, too. once: `Beside.rows` are read once."""

    site: str
    timezone: str
    kinds: Sequence[str]
    visits: bool = True
    once: bool = False

    def count(self, session: Session, opened: Sequence[Open]) -> Beside:
        """Make the tables that `Beside.rows` reads."""
        base: dict[str, Param] = {
            "site": self.site,
            "timezone": self.timezone,
            "kinds": list(self.kinds),
            **_params(self.timezone, opened),
        }

        def keep(name: str, rows: Fragment) -> None:
            text = f"create temporary table {name} engine = Memory as {rows.text}"
            session.command(Query(text=text, params={**base, **rows.params}, settings=SMALL))

        since = _since(self.timezone, opened)
        most = len(opened) * MOST_SINCE + 1  # where more came, a build does not hold
        keep("came_rows", Fragment(_ROWS.format(since=since.text, most=most), since.params))
        keep("came_persons", Fragment(_PERSONS))
        keep("came", rollup_cells.filled("rollup_known", {"person": Fragment(persons.PERSON)}))
        came = Fragment("select * from came")
        counted = rollup_cells.cells(came)
        lists = [Fragment(f"select * replace (0 as sessions) from ({counted.text})", counted.params)]  # noqa: S608
        changed: list[str] = []
        if self.visits:
            keep("went", rollup_cells.filled("rollup_went", {"fresh": rollup_cells.visits(came)}))
            lists.append(rollup_cells.filled("rollup_sessions", {}))
            if "channel" in self.kinds:
                lists.append(rollup_cells.channels(Fragment("select * from went")))
                changed = [str(was) for (was,) in session.ask(Query(text=_CHANGED, settings=SMALL)).rows]
                if changed:
                    keep("moved", rollup_cells.filled("rollup_moved", {}))
                    lists.append(rollup_cells.filled("rollup_replaced", {}))
        rows = rollup_cells.together(lists)
        if self.once:
            return Beside(session, opened, Fragment(rows.text, {**base, **rows.params}), changed)
        keep("lately", rows)
        return Beside(session, opened, Fragment("select * from lately", _params(self.timezone, opened)), changed)


@contextmanager
def beside(engine: Engine, since: Since, opened: Sequence[Open]) -> Iterator[Beside]:
    """Whom to ask: a session that has counted what came since, where something did."""
    if not opened:
        yield Beside(engine)
        return
    with closing(engine.session()) as session:
        yield since.count(session, opened)


def lately(said: Beside) -> list[dict[str, Any]]:
    """What came, a row an entry of a list, with its sets (`rollup_sets.Coded`): people, buyers, both without number."""
    if said.rows is None:
        return []
    sets = coded(
        "groupBitmapMergeState(people)",
        "groupBitmapMergeState(buyers)",
        "groupUniqArrayArray(strangers)",
        "groupUniqArrayArray(strange_buyers)",
    )
    slots = {"parts": said.rows, "sets": Fragment(sets)}
    return said.whom.ask(fill(load(__package__, "rollup_lately"), slots, settings=SMALL)).dicts()


def _since(timezone: str, opened: Sequence[Open]) -> Fragment:
    """The rows of `recent` that came after the cuts, each event once and none that a build has."""
    days = rollup_cells.between(timezone, [one.number for one in opened], name="open_")
    cut = (
        "transform(toUInt16(toDate(ts, {timezone:String})), {open_days:Array(UInt16)}, {cuts:Array(Int64)},"
        " toInt64(9223372036854775807))"
    )
    mine = f"recent where site = {{site:String}} and {days.text}"
    since = f"at >= fromUnixTimestamp64Milli({{cut:Int64}}) and toUnixTimestamp64Milli(at) >= {cut}"
    text = f"select *, '' as bot from {mine} and {since}"  # noqa: S608 - text of our own
    if any(one.doubted for one in opened):
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
