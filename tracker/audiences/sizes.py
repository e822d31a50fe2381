"""How many members audiences have: counted after a start, then reckoned from who came and went; and their history."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from tracker.audiences.stays import Moved
from tracker.catalog.memberships import Membership
from tracker.store.engine import Engine, Param, Query, Rows
from tracker.store.sql import load

_NOTED = [
    ("audience", "String"), ("members", "UInt64"), ("exportable", "UInt64"), ("entered", "UInt64"), ("gone", "UInt64"),
]  # fmt: skip
_MANY, _COUNTING_RESTS = 100_000, 50  # members counted at a time; counting more rests so many times as long as it took
_NOBODY = (0, 0, 0)


class Sizes:
    """What is reckoned holds only if every refresh was written down by whoever asked for it (`settled`)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._counted: set[str] = set()
        self._settled: set[str] = set()
        self._again = 0.0  # nobody is counted before, monotonic seconds

    def recount(self) -> None:
        """Count all of them anew."""
        self._counted.clear()

    def doubt(self, audience: str) -> None:
        """Count this one anew."""
        self._counted.discard(audience)

    def trust(self, audiences: Iterable[str]) -> None:
        """What is written down of these was counted."""
        self._counted.update(audiences)

    def settled(self, audiences: Iterable[str]) -> None:
        """How these are after their last refresh was written down."""
        self._settled.update(audiences)

    def begin(self, audiences: Iterable[str]) -> None:
        """A refresh of these begins: until it is written down, nothing can be reckoned from it."""
        some = set(audiences)
        self._counted -= some - self._settled
        self._settled -= some

    def after(self, before: Sequence[Membership], moved: Mapping[str, Moved]) -> dict[str, tuple[int, int]]:
        """Members and exportable of audiences of a site, after these changes."""
        recount = self._next(before) if time.monotonic() >= self._again else []
        found: dict[str, tuple[int, int]] = {}
        for state in before:
            came, went, more = moved.get(state.audience, _NOBODY)
            found[state.audience] = state.members + came - went, state.exportable + more
        found |= dict.fromkeys(recount, (0, 0)) | self._count(before[0].site, recount)
        self._counted.update(recount)
        return found

    def _next(self, before: Sequence[Membership]) -> list[str]:
        """Those to be counted now: small ones together, a large one alone; the others keep what was reckoned."""
        chosen, members = list[str](), 0
        for state in sorted(before, key=lambda one: one.members):
            if state.audience not in self._counted and (not chosen or members + state.members <= _MANY):
                chosen.append(state.audience)
                members += state.members
        return chosen

    def _count(self, site: str, audiences: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Of five million members this takes a third of a second, while pages wait: then the next ones have time."""
        if not audiences:
            return {}
        began = time.monotonic()
        query = Query(text=load(__package__, "size_of"), params={"site": site, "audiences": list(audiences)})
        found = {str(one): (int(members), int(may)) for one, members, may in self._engine.ask(query).rows}
        if sum(members for members, _ in found.values()) > _MANY:
            self._again = began + _COUNTING_RESTS * (time.monotonic() - began)
        return found

    def note(self, states: Sequence[Membership], moved: Mapping[str, Moved], now_ms: int) -> None:
        """The history: one row for each refresh that changed something."""
        if not states:
            return
        rows = [(state.audience, state.members, state.exportable, *moved[state.audience][:2]) for state in states]
        params: dict[str, Param] = {"site": states[0].site, "at": now_ms}
        text = load(__package__, "note_sizes")
        self._engine.command(Query(text=text, params=params, tables={"sizes": Rows(columns=_NOTED, data=rows)}))
