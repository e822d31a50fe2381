"""Whoever refused, or was erased, is taken back at networks' APIs within a quarter of an hour (privacy rules, P-45).

Deliveries that are repeated at least as often see to it themselves. This looks after the other places: those that
somebody delivered to once, more seldom, or where deliveries fail. Files wait for the next file.
"""

from __future__ import annotations

import structlog

from tracker.audiences import recall
from tracker.audiences.changes import any_refused
from tracker.audiences.desk import Desk
from tracker.audiences.opt_outs import take_back
from tracker.catalog.deliveries import Line
from tracker.catalog.exports import DONE
from tracker.core.errors import TrackerError
from tracker.core.period import duration_ms
from tracker.core.site import Site
from tracker.networks import NETWORKS

log = structlog.get_logger()

ACTOR = "withdrawals"
SOON_MS = 15 * 60_000
"""How long a removal may wait."""
_LONGEST_MS = 3_600_000  # between two tries where one failed
_PEOPLE_A_MS = 2  # who are there are asked about: a million of them every eight minutes, not more often


class Withdrawals:
    """Remembers when each place is to be looked at again."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._next: dict[Line, int] = {}
        self._failures: dict[Line, int] = {}

    def look(self) -> int:
        """Take back whoever must go; gives how many deliveries that took. A site that fails, fails alone."""
        made = 0
        for site in self._desk.catalog.sites.list():
            try:
                made += sum(self._look(site, line) for line in self._lines(site))
            except TrackerError as error:
                log.warning("withdrawals.not_now", site=site.name, code=error.code)
        return made

    def _lines(self, site: Site) -> list[Line]:
        """APIs where persons are, whose turn it is."""
        catalog, now = self._desk.catalog, self._desk.now_ms()
        apis = {one.id for one in catalog.destinations.list(site.name) if one.kind == "network"}
        if not apis:
            return []
        seen_to = {
            (plan.audience, plan.network, plan.destination)
            for plan in catalog.plans.list()
            if not plan.failures and duration_ms(plan.every, field="every") <= SOON_MS
        }
        lines = [
            line for one in catalog.audiences.list(site.name) for line in catalog.deliveries.lines(site.name, one.id)
        ]
        return [
            line
            for line in lines
            if line.destination in apis
            and line.network in NETWORKS
            and not NETWORKS[line.network].replaces
            and (line.audience, line.network, line.destination) not in seen_to
            and self._next.get(line, 0) <= now
        ]

    def _look(self, site: Site, line: Line) -> int:
        desk = self._desk
        delivered = desk.catalog.deliveries.there(line)
        self._next[line] = desk.now_ms() + len(delivered.people) // _PEOPLE_A_MS
        vendor = site.privacy.vendor_of(line.network)
        if line in recall.on_their_way(desk.catalog, site.name, line.audience):
            return 0
        if not any_refused(desk.engine, site, delivered, vendor):
            self._failures.pop(line, None)
            return 0
        ended = take_back(desk, line, ACTOR)
        if ended.state == DONE:
            self._failures.pop(line, None)
        else:
            self._failures[line] = failures = self._failures.get(line, 0) + 1
            self._next[line] = desk.now_ms() + min(60_000 << min(failures, 6), _LONGEST_MS)
            log.warning("withdrawals.not_delivered", export=ended.id, code=(ended.error or {}).get("code"))
        return 1
