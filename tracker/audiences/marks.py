"""What stored members rest on: up to where the store was read, and a hash of everything else that decides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from tracker.analytics import rfm
from tracker.analytics.request import Range
from tracker.audiences import expiry
from tracker.audiences.definition import Definition
from tracker.audiences.rules import Within
from tracker.audiences.standing import salt
from tracker.catalog.memberships import Membership
from tracker.core.site import Site
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.sql import fill, load

LATE_NS = 600_000_000_000
"""An insert may become visible so long after the time it carries; its rows are looked at once all the same."""

_RULES = "1"
"""Part of what members rest on: another number judges everybody again after an update."""


@dataclass(frozen=True)
class Marks:
    """How far the store is; `blocks` are the inserts whose time is later than `LATE_NS` before the last seen."""

    blocks: frozenset[int]
    moved: int
    listed: int

    @property
    def block(self) -> int:
        """The latest insert."""
        return max(self.blocks, default=0)

    def recent(self, block: int) -> frozenset[int]:
        """Inserts from `LATE_NS` before this one on."""
        return frozenset(at for at in self.blocks if at > block - LATE_NS)

    def all_of(self, state: Membership) -> frozenset[int]:
        """The inserts from `LATE_NS` before it on that these members were computed from; none where it is not known,
        because one of them came late.
        """
        there = frozenset(at for at in self.recent(state.block) if at <= state.block)
        return there if len(there) == state.inserts else frozenset()

    def seen_by(self, state: Membership) -> bool:
        """Whether stored members were computed from all of this."""
        now = (self.block, len(self.recent(state.block)), self.moved, self.listed)
        return now == (state.block, state.inserts, state.moved, state.listed)


def marks(engine: Engine, site: str, since: int) -> Marks:
    """One question of some milliseconds; `since` 0: only the last inserts."""
    query = fill(load(__package__, "marks"), params={"site": site, "since": since, "late": LATE_NS})
    [(blocks, moved, listed)] = engine.ask(query).rows
    return Marks(frozenset(blocks), int(moved), int(listed))


def basis(site: Site, definition: Definition, currency: str | None) -> str:
    """A hash of all that decides who is in besides events, identities and the clock."""
    told = (
        _RULES,
        repr(definition.rule),
        definition.duration_ms,
        definition.holdout,
        salt(site, definition.id),
        site.consent,
        site.privacy.later_opt_in,
        currency if expiry.worth(definition.rule) else "",
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()


def main_currency(engine: Engine, site: str, definitions: Iterable[Definition], now_ms: int) -> str | None:
    """The currency of most purchases, where a rule asks what purchases are worth; None where none does."""
    if not any(expiry.worth(definition.rule) for definition in definitions):
        return None
    spec = rfm.Spec(site=site, range=Range(0, Within(last_ms=0).at(now_ms)[1]))
    return rfm.currency_of(engine, spec, events_source(engine))[0]
