"""The overview's figures out of days that are counted already, and of events where a day is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, TypeVar

from tracker.analytics import overview_kept
from tracker.analytics.overview_kept import Asked
from tracker.analytics.request import Range
from tracker.store import rollup_beside, rollup_cells, rollup_kept, rollup_spans, rollups
from tracker.store.engine import Engine, Param, Session
from tracker.store.rollup_beside import Since
from tracker.store.rollup_spans import Span
from tracker.store.rollups import Road
from tracker.store.sql import Fragment, fill, load

_Found = dict[str, list[dict[str, Any]]]
_REMEMBERED = 100
_T = TypeVar("_T")
# By site, zone, what is asked for, and builds, because what a build holds never changes.
_answers: dict[tuple[Any, ...], _Found] = {}
_biggest: dict[tuple[Any, ...], list[str]] = {}  # the pages with the most views


class _Pages:
    """The biggest pages of some builds: remembered, or asked for beside."""

    def __init__(self, of: tuple[Any, ...], aside: Executor, ask: Callable[[], list[str]]) -> None:
        self._of = of
        self._found = _biggest.get(of)
        self._asked = None if self._found is not None else aside.submit(ask)

    def names(self) -> list[str]:
        """Wait for them."""
        if self._asked is not None:
            self._found = _remember(_biggest, self._of, self._asked.result())
        return self._found or []


@dataclass(frozen=True)
class Lists:
    """The biggest `top` entries of the lists are asked for. aside: for what is done beside; noted: the site's spans."""

    top: int
    aside: Executor
    noted: Future[list[Span]]


def counted(engine: Engine, site: str, timezone: str, road: Road, between: Range, *, lists: Lists | None) -> _Found:
    """Rows by list: `total`, `series` and, where `lists`, the biggest entries of the others, in their order.

    They are not to be changed: what builds say that nothing has to be added to is remembered.
    """
    kinds = rollup_cells.KINDS if lists else rollup_cells.KINDS[:1]
    asked = (site, timezone, lists.top if lists else 0, tuple(day.build for day in road.used))
    fixed = not (road.counted or road.opened or road.moves)
    if fixed and (answer := _answers.get(asked)) is not None:
        return answer
    if not road.counted and rollup_kept.pays(road):
        of = Asked(site, timezone, road, *((lists.top, lists.noted.result()) if lists else ()))
        kept = overview_kept.counted(engine, of, lists.aside if lists else None)
        if kept is not None:
            return _remember(_answers, asked, kept) if fixed else kept
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

    def biggest() -> list[str]:
        built = rollups.parts(road, (), united, inside)
        return [row["entry"] for row in ask(engine, "overview_rolled_pages", {"parts": built}, ["page"])]

    which, pages = Fragment("true"), None
    if lists and not road.counted:  # a shop has tens of thousands of pages: only of the biggest people are counted
        pages = _Pages(asked, lists.aside, biggest)
    since = Since(site=site, timezone=timezone, kinds=kinds)
    with rollup_beside.beside(engine, since, road.opened) as beside:
        if pages is not None:
            which = Fragment("kind != 'page' or entry in {pages:Array(String)}", {"pages": pages.names()})
            if road.opened:  # what nobody saw since is no bigger than it was
                which = Fragment(f"{which.text} or entry in ({rollup_beside.PAGES})", which.params)
        fresh = rollups.fresh(engine, road, timezone, kinds, within)
        slots = {
            "parts": rollups.parts(road, fresh, united, inside, beside),
            "people": rollups.people(road, "people", "strangers"),
            "buyers": rollups.people(road, "buyers", "strange_buyers"),
            "which": which,
        }
        said = ask(beside.whom, "overview_rolled", slots, kinds)
    found: _Found = {}
    for row in said:
        found.setdefault(row["list"], []).append(
            {
                "entry": row["item"],
                **{name: row[f"all_{name}"] for name in ("events", "purchases", "sessions", "revenue", "people")},
                "page_views": row["all_views"],
                "buyers": row["all_buyers"],
            }
        )
    return _remember(_answers, asked, found) if fixed else found


def _remember(kept: dict[tuple[Any, ...], _T], asked: tuple[Any, ...], said: _T) -> _T:
    kept[asked] = said
    while len(kept) > _REMEMBERED:
        kept.pop(next(iter(kept)), None)
    return said
