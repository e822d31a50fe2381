"""The overview's figures out of days that are counted already, and of events where a day is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from tracker.analytics.request import Range
from tracker.store import rollup_beside, rollup_spans, rollups
from tracker.store.engine import Engine, Param, Session
from tracker.store.rollup_beside import Ahead
from tracker.store.rollup_spans import Span
from tracker.store.rollups import Road
from tracker.store.sql import Fragment, fill, load

_REMEMBERED = 200
_biggest: dict[tuple[Any, ...], list[str]] = {}
"""By site, zone, how many, and builds: the pages with the most views in what these builds hold, which never changes."""


@dataclass(frozen=True)
class Lists:
    """The biggest `top` entries of the lists are asked for. noted: the site's spans."""

    top: int
    noted: Future[list[Span]]


def counted(ahead: Ahead, road: Road, between: Range, *, lists: Lists | None) -> dict[str, list[dict[str, Any]]]:
    """Rows by list: `total`, `series` and, where `lists`, the biggest entries of the others, in their order.

    ahead: of what came since.
    """
    engine, site, timezone = ahead.of.engine, ahead.of.site, ahead.of.timezone
    kinds = ahead.of.kinds
    within = (between.start, between.end)
    spans = rollup_spans.chosen(lists.noted.result(), road.used) if lists else []
    base: dict[str, Param] = {"site": site, "timezone": timezone, "top": lists.top if lists else 1}
    inside = [number for span in spans for number, _ in span.days]
    united = rollup_spans.parts(spans) if spans else None

    def ask(
        whom: Engine | Session, name: str, slots: Mapping[str, Fragment], kinds: Sequence[str]
    ) -> list[dict[str, Any]]:
        given = {**base, "kinds": list(kinds)}
        slots = {**slots, "in_parallel": rollups.IN_PARALLEL}
        kept = {} if whom is engine else rollup_beside.SMALL  # what the connection has already
        return whom.ask(fill(load(__package__, name), slots, given, tables=road.tables, settings=kept)).dicts()

    biggest, asked = None, (site, timezone, base["top"], tuple(day.build for day in road.used))
    if lists and not road.counted:  # a shop has tens of thousands of pages: only of the biggest people are counted
        biggest = _biggest.get(asked)
        if biggest is None:
            built = rollups.parts(road, (), united, inside)
            biggest = [row["entry"] for row in ask(engine, "overview_rolled_pages", {"parts": built}, ["page"])]
            _biggest[asked] = biggest
            while len(_biggest) > _REMEMBERED:
                _biggest.pop(next(iter(_biggest)), None)
    which = Fragment("true")
    if biggest is not None:
        pages = {"pages": biggest}
        which = Fragment("kind != 'page' or entry in {pages:Array(String)}", pages)
        if road.opened:  # what nobody saw since is no bigger than it was
            which = Fragment(f"{which.text} or entry in ({rollup_beside.PAGES})", pages)
    beside = ahead.settled(road.opened, [day.build for day in road.used])
    fresh = rollups.fresh(engine, road, timezone, kinds, within)
    slots = {
        "parts": rollups.parts(road, fresh, united, inside, beside),
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
