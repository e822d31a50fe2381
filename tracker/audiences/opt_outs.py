"""Opt-outs of UID2 and EUID, without waiting for an export: operators are asked, and whoever opted out is taken back.

UID2's documentation wants ids looked at daily ("Monitor for Raw UID2 Refresh", "Monitor for Opt-Out Status"). Each id
that is in use is asked about every `advertising_ids.CHECK_MS`, by an export or by this. Only ids of those
are in use who are at a destination, and who may leave the house towards it still.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from tracker.audiences import known, recall
from tracker.audiences.advertising_ids import Ids, takes_ids, twins_of
from tracker.audiences.changes import News, People, among, any_lost, people_of
from tracker.audiences.definition import Definition
from tracker.audiences.desk import Desk, Job, begin, carry_out
from tracker.audiences.membership import gate
from tracker.audiences.rules import All
from tracker.catalog.deliveries import Line
from tracker.catalog.exports import DONE, Export
from tracker.core.errors import TrackerError
from tracker.core.site import Site
from tracker.networks import NETWORKS

log = structlog.get_logger()

ACTOR = "opt-outs"


def look(desk: Desk) -> int:
    """Ask every operator whose answer is due, and deliver the removals that follow; gives how many deliveries.

    A site that fails, fails alone. What could not be delivered is tried again with the next look.
    """
    made = 0
    for site in desk.catalog.sites.list():
        try:
            made += _look(desk, site)
        except TrackerError as error:
            log.warning("opt_outs.not_now", site=site.name, code=error.code)
    return made


def _look(desk: Desk, site: Site) -> int:
    everybody = Definition(site=site.name, rule=All(()), holdout=0.0)
    twins = twins_of(desk.engine, desk.catalog, desk.senders, site, everybody, desk.now_ms)
    lines = _lines(desk, site) if twins else []
    if not lines:
        return 0
    in_use = _InUse(desk, site, everybody, lines)
    for ids in twins:
        ids.upkeep(in_use)
        for warning in ids.warnings:
            log.warning("opt_outs.not_asked", site=site.name, why=warning)
    return sum(_take_back(desk, line) for line in lines if _somebody_lost(desk, site, line, twins))


def _lines(desk: Desk, site: Site) -> list[Line]:
    """Where persons are under ids, and can be taken back from by us."""
    catalog = desk.catalog
    lines = [line for one in catalog.audiences.list(site.name) for line in catalog.deliveries.lines(site.name, one.id)]
    return [
        line
        for line in lines
        if recall.takes_back(catalog, line)
        and takes_ids(NETWORKS[line.network])
        and not NETWORKS[line.network].replaces
    ]


class _InUse:
    """Those of some persons who are somewhere, and may leave the house towards it."""

    def __init__(self, desk: Desk, site: Site, everybody: Definition, lines: Sequence[Line]) -> None:
        self._desk, self._site, self._everybody, self._lines = desk, site, everybody, lines
        self._there: dict[str, People] = {}  # network -> persons

    def __call__(self, some: People) -> People:
        found: set[int] = set()
        for network, people in (self._there or self._read()).items():
            mine = among(some, people).tolist()
            vendor = self._site.privacy.vendor_of(network)
            for at in range(0, len(mine), known.AT_ONCE):
                piece = mine[at : at + known.AT_ONCE]
                verdicts = gate(self._desk.engine, self._site, self._everybody, piece, vendor)
                found |= {person for person, (verdict, _) in verdicts.items() if verdict == "exportable"}
        return people_of(found)

    def _read(self) -> dict[str, People]:
        """Asked only when something is due."""
        there: dict[str, set[int]] = {}
        for line in self._lines:
            keys = self._desk.catalog.deliveries.there(line).people
            now = known.now(self._desk.engine, self._site.name, keys)
            there.setdefault(line.network, set()).update(now.values())
        self._there = {network: people_of(people) for network, people in there.items()}
        return self._there


def _somebody_lost(desk: Desk, site: Site, line: Line, twins: Sequence[Ids]) -> bool:
    forms = NETWORKS[line.network].forms()
    if not any(ids.news(1).lost for ids in twins):  # which costs less than reading a line
        return False
    delivered = desk.catalog.deliveries.there(line)
    news = News()
    for ids in twins:
        if ids.form in forms and delivered.at:
            news |= ids.news(min(delivered.at))
    return any_lost(desk.engine, site.name, delivered, news)


def _take_back(desk: Desk, line: Line) -> int:
    ended = take_back(desk, line, ACTOR)
    if ended.state != DONE:
        log.warning("opt_outs.not_delivered", export=ended.id, code=(ended.error or {}).get("code"))
    return 1


def take_back(desk: Desk, line: Line, actor: str) -> Export:
    """An export that only takes back whoever must not be there any more; gives it as it ended. Raises NotFound."""
    before = recall.as_before(desk.catalog, line)
    job = Job(
        audience=desk.catalog.audiences.get(line.audience),
        network=line.network,
        mode="delta",
        shape=before["shape"],
        destination=line.destination,
        actor=actor,
        options=(before.get("details") or {}).get("options", {}),
        takes_back=True,
    )
    return carry_out(desk, job, begin(desk.catalog, job))
