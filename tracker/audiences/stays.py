"""Stays of persons in audiences as they are stored, entered and left: in the order of audiences and in that of persons.

The second order is written first. Whatever is cut off, what was written in one of them only is written in the other
before anything is compared again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from tracker.audiences.expiry import NEVER
from tracker.store.engine import Engine, Param, Query
from tracker.store.sql import Fragment, fill, load

CAUSES = ("event", "identity", "suppression", "time", "definition")
Moved = tuple[int, int, int]
"""Of an audience: how many came, how many went, change of the exportable."""

_ALL = Fragment("")
_BY_PERSON = "members_by_person"
_STAY = "site, audience, person, entered, entered_by, left_at, left_by, verdict, granted, arm, armed, version"


class Stays:
    """Compares what was judged with them. For one thread, and one a store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._version = 0
        self._levelled = False

    def store(
        self,
        site: str,
        audiences: Sequence[str],
        now_ms: int,
        *,
        cause: Fragment,
        only: Fragment = _ALL,
        apart: bool = False,
    ) -> dict[str, Moved]:
        """Changes of the table `judged` against what is stored, by audience. `apart`: of those in `touched_people`."""
        engine = self._engine
        self._level()
        self._version = max(time.time_ns(), self._version + 1)
        params: dict[str, Param] = {
            "site": site,
            "audiences": list(audiences),
            "now": now_ms,
            "version": self._version,
            "causes": list(CAUSES),
        }
        touch = Fragment(" any left join touched_people as touch using (person)" if apart else "")
        # Of a few persons the stays stand side by side, of a whole audience those in its own order do.
        stored = Fragment(_BY_PERSON if touch.text else "members")
        text = load(__package__, "gone_apart" if touch.text else "gone_whole")
        gone = Fragment(text if touch.text else fill(text, {"only": only}).text)
        slots = {"cause": cause, "stored": stored, "only": only, "touch": touch, "may_be_gone": gone}
        engine.command(fill(load(__package__, "diff"), slots, params))
        expire = load(__package__, "expire")
        engine.command(Query(text=expire, params={"site": site, "never": NEVER}))
        sizes = engine.ask(Query(text=load(__package__, "moved_sizes"), params={"now": now_ms})).rows
        if sizes:
            self._levelled = False
            for table in (_BY_PERSON, "members"):
                self._write(table)
            self._levelled = True
        return {str(audience): (int(came), int(went), int(more)) for audience, came, went, more in sizes}

    def _write(self, table: str) -> None:
        self._engine.command(Query(text=f"insert into {table} ({_STAY}) select {_STAY} from stays"))  # noqa: S608

    def _level(self) -> None:
        """Before anything is compared: what was written in one order and not in the other is written there, too.

        Writing may have been cut off between both, or in the midst of the second. What was written last has the highest
        version; writing it again changes nothing.
        """
        if self._levelled:
            return
        text = load(__package__, "level")
        self._engine.command(Query(text=text))
        # a clock that was set back must not make what is stored now look old
        last = int(self._engine.ask(Query(text="select max(version) from members")).rows[0][0])
        self._version = max(self._version, last)
        self._levelled = True


def both(one: Moved, other: Moved) -> Moved:
    """Both changes together."""
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]
