"""What was found out about user agents, URLs and referrers, kept in the store beside the events that wait there.

Each distinct value is asked about once (tracker.loader.enrich) and joined to all events that have it. Both tables are
in the store's memory: after a restart of loader or store they are empty and fill again. A batch takes what it needs of
them into tables of its session: who reads such a table keeps everybody from writing to it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from tracker.loader.enrich.columns import AGENT_COLUMNS, PLACE_COLUMNS, agent_row, place_row
from tracker.store.engine import Engine, Query, Rows, Session

_MOST = 300_000  # rows of each, a few hundred bytes a row; click ids make each address another one
_TEXT = {"path", "click_id"}  # the others have few different values
_UNKNOWN_AGENTS = """
select s.agent, any(s.ua), any(s.bot != '') from staged as s any left join known_agents as a on s.agent = a.agent
where s.ok and a.known = 0 group by s.agent
"""
_UNKNOWN_PLACES = """
select s.place, any(s.url), any(s.referrer), any(s.type in ('page', 'screen'))
from staged as s any left join known_places as p on s.place = p.place
where s.ok and p.known = 0 group by s.place
"""


class _Table:
    """One of the two."""

    def __init__(
        self, name: str, key: str, columns: Sequence[str], unknown: str, answer: Callable[..., tuple[str, ...]]
    ) -> None:
        self.name = name
        self._unknown = Query(text=unknown)
        self._answer = answer
        self._types = [(key, "UInt64"), *((column, _type(column)) for column in columns)]
        names = ", ".join(column for column, _ in self._types)
        self._insert = f"insert into {name} ({names}) select {names} from /*table:found*/"  # noqa: S608 - ours
        declared = ", ".join(f"{column} {kind}" for column, kind in self._types)
        self._take = (
            f"create temporary table {name.removeprefix('known_')} engine = Memory as"  # noqa: S608 - our own names only
            f" select s.{key} as {key}, {', '.join(columns)}"
            f" from (select distinct {key} from staged where ok) as s any left join {name} as k on s.{key} = k.{key}"
        )
        self._create = (
            f"create table {name} ({declared}, known UInt8 default 1) engine = Join(any, left, {key})"
            " settings persistent = 0"
        )
        self.rows = 0

    def renew(self, engine: Engine) -> None:
        """Empty, and with the columns of this version."""
        engine.command(Query(text=f"drop table if exists {self.name}"))
        engine.command(Query(text=self._create))
        self.rows = 0

    def learn(self, session: Session) -> None:
        """Ask about what the staged events have and this does not, and take what is known of them."""
        found: list[tuple[Any, ...]] = [
            (key, *self._answer(*values)) for key, *values in session.ask(self._unknown).rows
        ]
        if found:
            session.command(Query(text=self._insert, tables={"found": Rows(columns=self._types, data=found)}))
            self.rows += len(found)
        session.command(Query(text=self._take))


def _type(column: str) -> str:
    return "String" if column in _TEXT else "LowCardinality(String)"


class Known:
    """Both tables. Raises TryLater."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._agents = _Table("known_agents", "agent", AGENT_COLUMNS, _UNKNOWN_AGENTS, agent_row)
        self._places = _Table("known_places", "place", PLACE_COLUMNS, _UNKNOWN_PLACES, place_row)
        self._made = False
        self._turn = threading.Lock()

    def learn(self, session: Session) -> None:
        """All about the staged events of this session, as tables `agents` and `places` of it."""
        with self._turn:
            for table in (self._agents, self._places):
                if not self._made or table.rows > _MOST:
                    table.renew(self._engine)
                table.learn(session)
            self._made = True
