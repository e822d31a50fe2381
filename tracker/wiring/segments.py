"""Keeps the members of all audiences and the files of `DATA/segments` up to date.

An audience is refreshed as often as its `refresh` says, one of a minute as soon as something was loaded. That rests
four times as long as it took, but no longer than half a second: pages wait for it. What can wait gives way meanwhile
(`free`). Where everybody must be judged, it goes share by share, lets those with news go first, and rests as long as it
took. What fails is kept with the audience, shown, and tried again after a pause that grows.
Collectors answer `GET /v1/segments` from the files.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from tracker.core.errors import NotFound, TrackerError
from tracker.core.period import duration_ms
from tracker.wiring.chore import Chore
from tracker.wiring.segment_files import SegmentFiles

if TYPE_CHECKING:
    from tracker.audiences.definition import Definition, Definitions
    from tracker.audiences.everybody import Pass
    from tracker.audiences.refresh import Refresher
    from tracker.catalog import Catalog
    from tracker.catalog.audiences import StoredAudience
    from tracker.catalog.memberships import Membership
    from tracker.core.site import Site
    from tracker.store.engine import Engine

log = structlog.get_logger()

_LOOK = 1.0  # seconds between two looks for what is due
_FIRST = 2.0  # seconds after the start
_REST, _REST_WHOLE = 4, 1  # times as long as computing took
_ENOUGH = 0.5  # seconds of rest
_WHOLE_S = 2.0  # seconds in one round for audiences for which everybody must be judged; one share is always done
_NOTHING_S = 0.05  # seconds that need no rest
_FORGET_S = 3600.0  # seconds between two looks for times that have run out
_MONEY_S = 30.0  # seconds until the site's main currency is asked for again
_AT_ONCE_MS = 60_000  # an audience with a `refresh` up to this is refreshed as soon as something has happened
_PAUSES = (5.0, 15.0, 60.0, 300.0)  # seconds after the first, second, ... failure in a row


@dataclass(frozen=True)
class _Due:
    """An audience whose turn it is; `whole`: everybody must be judged; `ready`: judging a few says who is in it."""

    audience: StoredAudience
    definition: Definition
    state: Membership
    whole: bool
    ready: bool


class Segments(Chore):
    """Refreshes what is due, until asked to stop. `busy` is held while it writes: nobody is erased meanwhile."""

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        data: Path,
        stop: threading.Event,
        busy: threading.Lock | None = None,
    ) -> None:
        super().__init__("segments", stop, first=_FIRST, look=_LOOK)
        self._engine = engine
        self._catalog = catalog
        self._files = SegmentFiles(engine, data)
        self._news = threading.Event()
        self.free = threading.Event()  # unset while pages wait for a refresh: what can wait gives way (`Calm`)
        self.free.set()
        self._busy = busy or threading.Lock()
        self._turns: dict[str, float] = {}  # audience -> when it may be refreshed again, monotonic seconds
        self._rest_until: dict[tuple[str, bool], float] = {}  # (site, as a whole) -> likewise: computing took long
        self._refresher: Refresher | None = None
        self._forgot: dict[str, float] = {}  # site -> when to look again for times that have run out
        self._money: dict[str, tuple[float, str | None]] = {}  # site -> its currency, and until when that will do
        self._definitions: Definitions | None = None
        self._passes: dict[str, Pass] = {}  # audience -> everybody, as far as they are judged
        self._erased = -1

    def wake(self) -> None:
        """Something was loaded: look at once, not when the next look is due. For any thread."""
        self._news.set()

    def idle(self, seconds: float) -> bool:
        """Wait for news, or until the next look or the end of a rest."""
        resting = [until for (_, whole), until in self._rest_until.items() if not whole]
        if resting and (left := max(resting) - time.monotonic()) > 0:
            return self._stop_asked.wait(min(left, seconds))  # there is news already, or it can wait
        self._news.wait(seconds)
        self._news.clear()
        return self._stop_asked.is_set()

    def round(self) -> int:
        """Refresh every audience that is due, as far as a round may last; gives how many were."""
        catalog = self._catalog
        by_site: dict[str, list[StoredAudience]] = defaultdict(list)
        for audience in catalog.audiences.list():
            by_site[audience.site].append(audience)
        self._tidy(by_site)
        done = 0
        for name, audiences in by_site.items():
            if self._stop_asked.is_set():
                break
            try:
                site = catalog.sites.get(name)
            except NotFound:
                continue
            done += self._site(site, audiences)
        return done

    def _site(self, site: Site, audiences: Sequence[StoredAudience]) -> int:
        """First all whose changes are to be judged, together; then those for which everybody must be."""
        due = list(self._due(site, audiences))
        some = [one for one in due if one.ready]
        began = time.monotonic()
        done = self._some(site, some) if some and not self._waits(site.name, whole=False) else 0
        self._rest(site.name, began, whole=False)
        self._copy(site)
        began = time.monotonic()
        for one in due:
            while one.whole and not self._waits(site.name, whole=True):
                ended = self._whole(site, one)
                done += ended is True and not one.ready
                if ended is not None or self._enough(began):
                    break
            if self._enough(began):
                break
        self._rest(site.name, began, whole=True)
        return done

    def _copy(self, site: Site) -> None:
        """Bring events into the order that refreshes read: before everybody is judged, which may take hours."""
        if self._waits(site.name, whole=True):
            return
        began = time.monotonic()
        with self._busy:
            if self._ready().by_key.copy(site.name):
                self._rest(site.name, began, whole=True)

    def _enough(self, began: float) -> bool:
        """Whether judging everybody goes on in the next round: somebody else may have news by now."""
        return self._news.is_set() or time.monotonic() - began > _WHOLE_S

    def _waits(self, site: str, *, whole: bool) -> bool:
        resting = time.monotonic() < self._rest_until.get((site, whole), 0.0)
        return resting or self._stop_asked.is_set() or bool(self._catalog.erasures.waiting())  # they go first

    def _rest(self, site: str, began: float, *, whole: bool) -> None:
        took = time.monotonic() - began
        if took > _NOTHING_S:
            rest = _REST_WHOLE * took if whole else min(_REST * took, _ENOUGH)
            self._rest_until[site, whole] = time.monotonic() + rest

    def _due(self, site: Site, audiences: Sequence[StoredAudience]) -> Iterator[_Due]:
        from tracker.audiences import marks
        from tracker.audiences.definition import Definitions
        from tracker.audiences.expiry import foreseeable
        from tracker.audiences.refresh import due_whole
        from tracker.catalog.memberships import Membership

        self._definitions = self._definitions or Definitions()
        states = self._catalog.memberships.of(site.name)
        now_ms = time.time_ns() // 1_000_000
        news: marks.Marks | None = None
        for audience in audiences:
            state = states.get(audience.id) or Membership(audience=audience.id, site=site.name)
            changed = audience.updated_at > max(state.as_of, state.failed_at or 0)
            turn = time.monotonic() >= self._turns.get(audience.id, 0.0) or changed
            if not turn and not state.error and duration_ms(audience.refresh, field="refresh") <= _AT_ONCE_MS:
                news = news or marks.marks(self._engine, site.name, min(one.block for one in states.values()))
                turn = not news.seen_by(state)
            if not turn and audience.id not in self._passes:
                continue
            try:
                definition = self._definitions.of(audience, audiences)
            except TrackerError as failure:
                self._failed([state], failure)
                continue
            currency = self._currency(site, [definition], now_ms)
            whole = audience.id in self._passes or due_whole(site, definition, state, now_ms, currency)
            known = foreseeable(definition.rule) and state.basis == marks.basis(site, definition, currency)
            if whole or known:
                yield _Due(audience, definition, state, whole, ready=turn and known)

    def _currency(self, site: Site, definitions: Sequence[Definition], now_ms: int) -> str | None:
        """The site's main currency where one of these asks for it. It hardly ever changes, and then all are judged."""
        from tracker.audiences.expiry import worth
        from tracker.audiences.marks import main_currency

        if not any(worth(one.rule) for one in definitions):
            return None
        until, currency = self._money.get(site.name, (0.0, None))
        if time.monotonic() >= until or currency is None:
            currency = main_currency(self._engine, site.name, definitions, now_ms)
            self._money[site.name] = time.monotonic() + _MONEY_S, currency
        return currency

    def _some(self, site: Site, group: Sequence[_Due]) -> int:
        """Judge those whom something happened to, for several audiences; gives how many these are."""
        definitions = [one.definition for one in group]
        states = {one.audience.id: one.state for one in group}
        self.free.clear()
        with self._busy:
            try:
                refresher, now_ms = self._ready(), time.time_ns() // 1_000_000
                currency = self._currency(site, definitions, now_ms)
                done = refresher.some(
                    site, definitions, states, now_ms, currency, tell=lambda found: self._files.note(site.name, found)
                )
                self._files.put(site.name, done)
                self._catalog.memberships.save(one.state for one in done)
                refresher.settled(states)
                self._files.fold(site.name)
            except TrackerError as failure:
                self._failed(list(states.values()), failure)
                return 0
            finally:
                self.free.set()
        self._forget_times(site)
        over = {one.state.audience for one in done if not one.left}
        for one in group:
            if one.audience.id in over:
                self._again(one)
        return len(group)

    def _whole(self, site: Site, one: _Due) -> bool | None:
        """Judge the next share of everybody for an audience; None: there are more; False: it failed."""
        from tracker.audiences.marks import basis

        name, definition = one.audience.id, one.definition
        state = self._catalog.memberships.get(name) or one.state  # it may have been refreshed in this round
        with self._busy:
            try:
                refresher, now_ms = self._ready(), time.time_ns() // 1_000_000
                currency = self._currency(site, [definition], now_ms)
                going = self._passes.pop(name, None)
                if going is None or going.basis != basis(site, definition, currency):
                    going = refresher.begin(site, definition, state, now_ms, currency)
                done = refresher.go_on(site, going, state, now_ms, currency)
                if done is None:
                    self._passes[name] = going
                    return None
                self._files.put(site.name, [done])
                self._catalog.memberships.save([done.state])
                refresher.passed(done)
            except TrackerError as failure:
                self._failed([state], failure)
                return False
        self._again(one)
        return True

    def _again(self, one: _Due) -> None:
        self._turns[one.audience.id] = time.monotonic() + duration_ms(one.audience.refresh, field="refresh") / 1000

    def _forget_times(self, site: Site) -> None:
        """By the clock of the refreshes: what ran out before the one that is furthest behind is of no use any more."""
        if time.monotonic() < self._forgot.get(site.name, 0.0):
            return
        self._forgot[site.name] = time.monotonic() + _FORGET_S
        states = self._catalog.memberships.of(site.name)
        there = [one.id for one in self._catalog.audiences.list(site.name)]
        behind = min((states[one].as_of if one in states else 0 for one in there), default=0)
        with self._busy:
            self._ready().forget_times(site.name, behind)

    def _ready(self) -> Refresher:
        from tracker.audiences.refresh import Refresher

        self._refresher = self._refresher or Refresher(self._engine)
        self._recount(self._refresher)
        return self._refresher

    def _recount(self, refresher: Refresher) -> None:
        erased = self._catalog.erasures.finished()
        if erased != self._erased:
            refresher.recount()
            self._erased = erased

    def _failed(self, states: Sequence[Membership], failure: TrackerError) -> None:
        """Kept with the audience; its old members stay."""
        now_ms = time.time_ns() // 1_000_000
        why = failure.as_json()["error"]
        for state in states:
            log.warning("segments.not_now", audience=state.audience, reason=why["message"], code=why["code"])
            pause = _PAUSES[min(state.failures, len(_PAUSES) - 1)]
            self._turns[state.audience] = time.monotonic() + pause
        self._catalog.memberships.save(
            replace(state, error=why, failed_at=now_ms, failures=state.failures + 1) for state in states
        )

    def _tidy(self, audiences: Mapping[str, Sequence[StoredAudience]]) -> None:
        with self._busy:  # who erases has half written files there, too
            self._files.tidy({site: [one.id for one in some] for site, some in audiences.items()})
        for site, audience in self._catalog.memberships.tidy():
            self._turns.pop(audience, None)
            self._passes.pop(audience, None)
            self._forget(site, audience)

    def _forget(self, site: str, audience: str) -> None:
        from tracker.store.engine import Query

        for table in ("members_by_person", "members", "audience_sizes"):
            text = f"alter table {table} delete where site = {{site:String}} and audience = {{audience:String}}"
            self._engine.command(Query(text=text, params={"site": site, "audience": audience}))
