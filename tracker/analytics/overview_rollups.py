"""The overview's figures out of days that are counted already, and of events where a day is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracker.analytics.request import Range
from tracker.store import rollup_cells, rollup_open, rollup_spans, rollups
from tracker.store.engine import Engine, Param
from tracker.store.rollups import Road
from tracker.store.sql import Fragment, fill, load


def counted(
    engine: Engine, road: Road, site: str, timezone: str, between: Range, *, top: int, lists: bool
) -> dict[str, list[dict[str, Any]]]:
    """Rows by list: `total`, `series` and, where `lists`, the biggest entries of the others, in their order."""
    kinds = list(rollup_cells.KINDS) if lists else ["day"]
    within = (between.start, between.end)
    spans = rollup_spans.chosen(engine, site, timezone, road.used) if lists else []
    inside = [number for span in spans for number, _ in span.days]
    united = rollup_spans.parts(spans) if spans else None

    def parts(kinds: list[str]) -> Fragment:
        return rollups.parts(road, rollups.fresh(engine, road, timezone, kinds, within), united, inside)

    with rollup_open.beside(engine, site, timezone, road.opened, kinds) as whom:

        def ask(name: str, slots: Mapping[str, Fragment], params: Mapping[str, Param]) -> list[dict[str, Any]]:
            given = {"site": site, "timezone": timezone, "top": top, **params}
            query = fill(load(__package__, name), slots, given, tables=road.tables, settings=rollups.IN_PARALLEL)
            return whom.ask(query).dicts()

        which = Fragment("true")
        if lists and not road.counted:  # a shop has tens of thousands of pages: only of the biggest people are counted
            rows = ask("overview_rolled_pages", {"parts": parts(["page"])}, {"kinds": ["page"]})
            pages = {"pages": [row["entry"] for row in rows]}
            which = Fragment("kind != 'page' or entry in {pages:Array(String)}", pages)
        slots = {
            "parts": parts(kinds),
            "people": rollups.people(road, "people", "strangers"),
            "buyers": rollups.people(road, "buyers", "strange_buyers"),
            "which": which,
        }
        said = ask("overview_rolled", slots, {"kinds": kinds})
    found: dict[str, list[dict[str, Any]]] = {}
    for row in said:
        found.setdefault(row["list"], []).append(
            {
                "entry": row["item"],
                **{name: row[f"all_{name}"] for name in ("events", "purchases", "sessions", "revenue", "people")},
                "page_views": row["all_views"],
                "buyers": row["all_buyers"],
            }
        )
    return found
