"""The overview's figures out of days that are counted already, and of events where a day is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

from tracker.analytics.request import Range
from tracker.store import rollup_cells, rollup_open, rollup_spans, rollups
from tracker.store.engine import Engine, Param, Session
from tracker.store.rollup_spans import Span
from tracker.store.rollups import Road
from tracker.store.sql import Fragment, fill, load


@dataclass(frozen=True)
class Lists:
    """The biggest `top` entries of the lists are asked for. noted: the site's spans; aside: who asks meanwhile."""

    top: int
    noted: Future[list[Span]]
    aside: Executor


def counted(
    engine: Engine, road: Road, site: str, timezone: str, between: Range, *, lists: Lists | None
) -> dict[str, list[dict[str, Any]]]:
    """Rows by list: `total`, `series` and, where `lists`, the biggest entries of the others, in their order."""
    kinds = list(rollup_cells.KINDS) if lists else ["day"]
    within = (between.start, between.end)
    spans = rollup_spans.chosen(lists.noted.result(), road.used) if lists else []
    base: dict[str, Param] = {"site": site, "timezone": timezone, "top": lists.top if lists else 1}
    inside = [number for span in spans for number, _ in span.days]
    united = rollup_spans.parts(spans) if spans else None

    def ask(
        whom: Engine | Session, name: str, slots: Mapping[str, Fragment], kinds: Sequence[str]
    ) -> list[dict[str, Any]]:
        given = {**base, "kinds": list(kinds)}
        query = fill(load(__package__, name), slots, given, tables=road.tables, settings=rollups.IN_PARALLEL)
        return whom.ask(query).dicts()

    biggest = None
    if lists and not road.counted:  # a shop has tens of thousands of pages: only of the biggest people are counted
        built = rollups.parts(road, (), united, inside)
        biggest = lists.aside.submit(ask, engine, "overview_rolled_pages", {"parts": built}, ["page"])
    with rollup_open.beside(engine, site, timezone, road.opened, kinds) as beside:
        fresh = rollups.fresh(engine, road, timezone, kinds, within)
        which = Fragment("true")
        if biggest is not None:
            pages = {"pages": [row["entry"] for row in biggest.result()]}
            which = Fragment("kind != 'page' or entry in {pages:Array(String)}", pages)
            if road.opened:  # what nobody saw since is no bigger than it was
                which = Fragment(f"{which.text} or entry in ({rollup_open.PAGES})", pages)
        slots = {
            "parts": rollups.parts(road, fresh, united, inside, beside.changed),
            "people": rollups.people(road, "people", "strangers"),
            "buyers": rollups.people(road, "buyers", "strange_buyers"),
            "which": which,
        }
        said = ask(beside.whom, "overview_rolled", slots, kinds)
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
