"""Judging everybody for one audience in shares of the persons, so that a large site needs no more memory than a small
one, and other audiences can be refreshed between two shares.

A share is a range of persons' keys, first of persons who have only this one key: their events stand together in the
store. Those who have several come last, because theirs are everywhere. Everything is asked anew for each share, as of
then. What happens to a person whose share is done is noticed by the next refresh, which starts from where the store was
before the first share.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from tracker.audiences import judging
from tracker.audiences.definition import Definition
from tracker.audiences.judging import Base
from tracker.audiences.marks import Marks
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param
from tracker.store.shares import share
from tracker.store.sql import Fragment, fill, load

EVENTS_AT_ONCE = 1_000_000
"""Events of the persons of one share, about: a second, which whoever has news waits for."""

MOST_SHARES = 60
"""On a site with more events than so many shares hold, shares are larger: each has a price of its own."""

_RANGE = " and person >= {share_from:UInt64} and person <= {share_to:UInt64} and person"
_KNOWN = " (select argMax(person, version) from person_map where site = {site:String} group by key)"


@dataclass
class Pass:
    """Everybody judged for one audience, as far as it is. `basis` and `found`: what it rests on; `began_ms`, `began`:
    when it began, by the clock and monotonic. `sure`: the last pass, if any, was written down whole. `known`: how many
    of the shares are of persons with several keys.
    """

    definition: Definition
    basis: str
    cause: str
    found: Marks
    began_ms: int
    shares: int
    known: int
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
    def only(self) -> Fragment:
        """Behind a condition on stored members: those of the next share."""
        if self.shares == 1:
            return Fragment("")
        return Fragment(f"{_RANGE} {'not in' if self._alone else 'in'}{_KNOWN}", self._share)

    def base(self, engine: Engine) -> Base:
        """What the next share reads."""
        events, site = events_source(engine), self.definition.site
        if self.shares == 1:
            return judging.whole(site, events)
        text = load(__package__, "share_alone" if self._alone else "share_known")
        read = fill(text, {"events": events}, self._share)
        return judging.whole(site, Fragment(f"({read.text}) as events", read.params), purchases=events)

    @property
    def _alone(self) -> bool:
        return self.done < self.shares - self.known

    @property
    def _share(self) -> dict[str, Param]:
        """A range of persons, both ends included."""
        at, of = (self.done, self.shares - self.known) if self._alone else (self.shares - 1 - self.done, self.known)
        first, last = share(at, of)
        return {"share_from": first, "share_to": last}


def shares(engine: Engine, site: str) -> tuple[int, int]:
    """How many shares an audience takes, and how many of them are of persons with several keys."""
    [(events, theirs)] = engine.ask(fill(load(__package__, "share_sizes"), params={"site": site})).rows
    if events <= EVENTS_AT_ONCE:
        return 1, 0
    size = max(EVENTS_AT_ONCE, events // MOST_SHARES)
    alone, known = max(1, -(-(events - theirs) // size)), max(1, -(-theirs // size))
    return alone + known, known
