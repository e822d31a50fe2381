"""Judging everybody for one audience in shares of the persons, so that a large site needs no more memory than a small
one, and other audiences can be refreshed between two shares.

A share is a range of persons' keys. Everything is asked anew for each of them, as of then. What happens to a person
whose share is done is noticed by the next refresh, which starts from where the store was before the first share.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from tracker.audiences import expiry, judging
from tracker.audiences.definition import Definition
from tracker.audiences.judging import Base
from tracker.audiences.marks import Marks
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query
from tracker.store.sql import Fragment, fill, load

EVENTS_AT_ONCE = 2_000_000
"""Events of the persons of one share, about."""

ONLY = " and person >= {share_from:UInt64} and person <= {share_to:UInt64}"
"""Behind a condition on stored members: those of a share."""


@dataclass
class Pass:
    """Everybody judged for one audience, as far as it is. `basis` and `found`: what it rests on; `began_ms`, `began`:
    when it began, by the clock and monotonic. `sure`: the last pass, if any, was written down whole.
    """

    definition: Definition
    basis: str
    cause: str
    found: Marks
    began_ms: int
    shares: int
    sure: bool
    began: float = field(default_factory=time.monotonic)
    done: int = 0
    people: int = 0
    moved: tuple[int, int, int] = (0, 0, 0)
    changed: bool = False

    @property
    def over(self) -> bool:
        """Whether nobody is left."""
        return self.done == self.shares

    def judged(self, people: int, moved: tuple[int, int, int] | None) -> None:
        """A share is done: how many were found; how many came and went, change of the exportable; None: nobody did."""
        self.done += 1
        self.people += people
        if moved is not None:
            self.changed = True
            came, went, more = self.moved
            self.moved = came + moved[0], went + moved[1], more + moved[2]

    @property
    def share(self) -> dict[str, Param]:
        """The next range of persons, both ends included."""
        first, last = self.done * 2**64 // self.shares, (self.done + 1) * 2**64 // self.shares - 1
        return {"share_from": first, "share_to": last}


def shares(engine: Engine, definition: Definition) -> int:
    """How many shares one audience takes; one where the rule depends on everybody's purchases."""
    if not expiry.foreseeable(definition.rule):
        return 1
    text = "select count() from events where site = {site:String}"
    events = int(engine.ask(Query(text=text, params={"site": definition.site})).rows[0][0])
    return max(1, -(-events // EVENTS_AT_ONCE))


def base(engine: Engine, going: Pass) -> Base:
    """What the next share reads."""
    events = events_source(engine)
    if going.shares == 1:
        return judging.whole(going.definition.site, events)
    read = fill(load(__package__, "share_events"), {"events": events}, going.share)
    return judging.whole(going.definition.site, Fragment(f"({read.text}) as events", read.params))
