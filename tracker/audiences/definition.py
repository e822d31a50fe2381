"""An audience as it is saved or previewed, checked as a whole."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.audiences import rules
from tracker.audiences.journeys import check
from tracker.core.errors import BadRequest
from tracker.core.period import duration_ms

MAX_DURATION_MS = 540 * 86_400_000  # no network keeps members longer
MIN_REFRESH_MS = 60_000
UNSAVED = "preview"
"""Stands for the id of an audience that has none: its hold-out is drawn like that of an audience of this id."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A checked audience; `rule` is resolved, so it depends on no other audience any more.

    `holdout` is the share of members, 0 up to but not including 1, that is never exported. Who has not been heard of
    for `duration_ms` is no member, whatever the rule says.
    """

    site: str
    rule: rules.Rule
    holdout: float
    duration_ms: int = 30 * 86_400_000
    id: str = UNSAVED


class Definitions:
    """The definitions of saved audiences, read once until any of the site's is changed: one may name another.

    For any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: dict[str, tuple[Sequence[Any], dict[str, Definition]]] = {}

    def of(self, audience: Any, audiences: Sequence[Any]) -> Definition:
        """Of one of the `audiences` of a site (`catalog.audiences.StoredAudience`); these are all the site has.

        Raises BadRequest where it names one that is gone.
        """
        with self._lock:
            known = self._read.get(audience.site)
            if known is None or known[0] is not audiences:  # asked of each of a hundred: compared for the first
                read = known[1] if known is not None and known[0] == audiences else {}
                known = self._read[audience.site] = audiences, read
        found = known[1].get(audience.id)
        if found is None:
            rules_of = {one.id: one.rule for one in audiences}
            found = known[1][audience.id] = stored(audience, lambda other: _rule_of(rules_of, other))
        return found


def _rule_of(rules_of: Mapping[str, object], audience: str) -> object:
    if audience not in rules_of:
        raise BadRequest("the rule names an audience that is gone", code="no_such_audience")
    return rules_of[audience]


def define(
    site: str,
    rule: object,
    *,
    lookup: Callable[[str], object],
    holdout: float = 0.0,
    duration: str = "30d",
    refresh: str = "5m",
    id: str = UNSAVED,
    field: str = "rule",
) -> Definition:
    """Check everything. `lookup` gives the rule of another audience of the site. Raises BadRequest with the field.

    `field` is where the rule stands in the request.
    """
    if isinstance(holdout, bool) or not 0 <= holdout < 1:
        raise BadRequest("holdout must be a share from 0 to less than 1", field="holdout")
    lasts = duration_ms(duration, field="duration")
    if lasts > MAX_DURATION_MS:
        raise BadRequest("duration may be at most 540d", field="duration")
    if duration_ms(refresh, field="refresh") < MIN_REFRESH_MS:
        raise BadRequest("refresh must be at least 1m", field="refresh")
    resolved = rules.resolve(rules.parse(rule, field), lookup, () if id == UNSAVED else (id,))
    check(resolved, site, time.time_ns() // 1_000_000)
    return Definition(site=site, rule=resolved, holdout=float(holdout), duration_ms=lasts, id=id)


def stored(audience: Any, lookup: Callable[[str], object]) -> Definition:
    """The definition of a saved audience (`catalog.audiences.StoredAudience`)."""
    return define(
        audience.site,
        audience.rule,
        lookup=lookup,
        holdout=audience.holdout,
        duration=audience.duration,
        refresh=audience.refresh,
        id=audience.id,
    )
