"""An audience as it is saved or previewed, checked as a whole."""

from __future__ import annotations

import time
from collections.abc import Callable
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
