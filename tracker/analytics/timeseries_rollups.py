"""A time series out of days that are counted already, and of events where a day is not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tracker.analytics import overview_kept
from tracker.analytics.overview_kept import Asked
from tracker.analytics.request import Range
from tracker.store import rollup_beside, rollup_kept, rollups
from tracker.store.engine import Engine
from tracker.store.rollup_beside import Since
from tracker.store.rollups import Road
from tracker.store.sql import Fragment, fill, load

_BUCKETS = {"day": "day", "week": "toStartOfWeek(day, 1)", "month": "toStartOfMonth(day)"}
INTERVALS = tuple(_BUCKETS)
_FIRST = {
    "day": lambda day: day,
    "week": lambda day: str(date.fromisoformat(day) - timedelta(days=date.fromisoformat(day).weekday())),
    "month": lambda day: f"{day[:7]}-01",
}
"""The first day of an interval."""


def found(
    engine: Engine, road: Road, site: str, timezone: str, between: Range, *, interval: str, event: str, measure: str
) -> dict[str, Any]:
    """Figures, or amounts by day and currency, by the first day of their interval. `event`: a name, or `*`."""
    if event == "*" and measure == "people" and not road.counted and rollup_kept.pays(road):
        kept = overview_kept.people(engine, Asked(site, timezone, road), _FIRST[interval])
        if kept is not None:
            return dict(kept)
    kinds = ["event" if event != "*" or measure == "value" else "day"]
    fresh = rollups.fresh(engine, road, timezone, kinds, (between.start, between.end))
    figures = {
        "events": Fragment("toFloat64(sum(events))"),
        "people": Fragment(f"toFloat64({rollups.people(road, 'people', 'strangers').text})"),
        # by day and currency
        "value": Fragment("sumMap(revenue)"),
    }
    since = Since(site=site, timezone=timezone, kinds=kinds, visits=False)
    with rollup_beside.beside(engine, since, road.opened) as beside:
        query = fill(
            load(__package__, "timeseries_rolled"),
            {
                "bucket": Fragment(_BUCKETS[interval]),
                "figure": figures[measure],
                "parts": rollups.parts(road, fresh, beside=beside),
                "in_parallel": rollups.IN_PARALLEL,
            },
            {
                "site": site,
                "timezone": timezone,
                "kinds": kinds,
                "every": event == "*",
                "entry": event,
            },
            tables=road.tables if measure == "people" else {},
        )
        return dict(beside.whom.ask(query).rows)
