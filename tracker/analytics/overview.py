"""The first page: totals against the period before, day by day, and the top lists. Definitions: `docs/reports.md`."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tracker.analytics import overview_events, overview_rollups, request
from tracker.analytics.compare import COMPARES, before, change
from tracker.analytics.money import NO_MONEY, Money, by_currency, split
from tracker.analytics.overview_rollups import Lists
from tracker.analytics.request import Range
from tracker.core.errors import BadRequest
from tracker.store import rollup_spans, rollups
from tracker.store.engine import Engine
from tracker.store.site_days import dates

TOP = 20
_FIGURES = ("people", "sessions", "events", "page_views", "purchases")
_OF_A_DAY = ("people", "events", "page_views", "purchases")
_Lists = Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request; days are those of `timezone`."""

    site: str
    range: Range
    timezone: str = "UTC"
    compare: str = "previous"
    money: Money = NO_MONEY


def parse(body: object) -> Spec:
    """Check `{"site", "from", "to", "timezone", "compare", "currency"}`. Raises BadRequest."""
    given = request.fields(body, ("site", "from", "to", "timezone", "compare", "currency"))
    spec = Spec(
        site=request.site(given),
        range=request.time_range(given),
        timezone=request.timezone(given),
        compare=request.choice(given, "compare", COMPARES, "previous"),
        money=Money(request.currency(given)),
    )
    if spec.range.end - spec.range.start > 5 * 366 * 86_400_000:
        raise BadRequest("from and to may lie at most five years apart here", field="from")
    return spec


def run(engine: Engine, spec: Spec, *, events_only: bool = False) -> dict[str, Any]:
    """Totals and series beside those of the time before, and the top lists.

    Days that are counted already are not counted again; `events_only` counts everything from events. Where the question
    has a currency, `converted` stands beside every `revenue`.
    """
    earlier = before(spec.range, spec.timezone, spec.compare)
    with ThreadPoolExecutor(3, "overview") as aside:
        lists = Lists(TOP, aside, aside.submit(rollup_spans.noted_lately, engine, spec.site, spec.timezone))
        of = None
        if not events_only:
            first, last = min(spec.range.start, earlier.start), max(spec.range.end, earlier.end)
            of = rollups.known(engine, spec.site, spec.timezone, first, last, aside=aside)
        behind = aside.submit(_counted, engine, spec, earlier, of=of)
        now, roads = _counted(engine, spec, spec.range, of=of, lists=lists)
        past, _ = behind.result()
    totals, previous = _totals(spec, now), _totals(spec, past)
    return {
        "totals": totals,
        "previous": previous,
        "change": change(totals, previous),
        "series": _series(spec, spec.range, now),
        "previous_series": _series(spec, earlier, past),
        "channels": [
            {
                "key": row["entry"],
                **{name: row[name] for name in ("people", "purchases")},
                **_money(spec, row["revenue"]),
            }
            for row in now.get("channel", ())
        ],
        "pages": [
            {"key": row["entry"], "views": row["events"], "people": row["people"]} for row in now.get("page", ())
        ],
        "countries": [_people(row) for row in now.get("country", ())],
        "devices": [_people(row) for row in now.get("device", ())],
        "events": [
            {"event": row["entry"], "count": row["events"], "people": row["people"]} for row in now.get("event", ())
        ],
        "days": roads,
    }


def _money(spec: Spec, amounts: Any) -> dict[str, Any]:
    """Amounts by currency as they stand and, where a currency is asked for, in that one."""
    parts = split(amounts)
    revenue: dict[str, Any] = {"revenue": by_currency(parts)}
    return {**revenue, "converted": spec.money.converted(parts)} if spec.money.currency else revenue


def _counted(
    engine: Engine,
    spec: Spec,
    between: Range,
    *,
    of: rollups.Known | None,
    lists: Lists | None = None,
) -> tuple[_Lists, dict[str, int]]:
    """Rows by list, and how many days came from rollups and from events. of: None, to count everything from events."""
    if of is not None:
        how = rollups.road(engine, spec.site, spec.timezone, between.start, between.end, of=of)
        if how.empty:
            return {}, {"from_rollups": 0, "from_events": 0}
        if how.used:
            found = overview_rollups.counted(engine, spec.site, spec.timezone, how, between, lists=lists)
            return found, {"from_rollups": len(how.used), "from_events": len(how.counted)}
    found = overview_events.counted(engine, spec.site, spec.timezone, between, top=TOP, lists=lists is not None)
    return found, {"from_rollups": 0, "from_events": len(found["series"])}


def _totals(spec: Spec, found: _Lists) -> dict[str, Any]:
    row: Mapping[str, Any] = next(iter(found.get("total", ())), {})
    figures: dict[str, Any] = {name: row.get(name, 0) for name in _FIGURES}
    buyers, people = row.get("buyers", 0), figures["people"]
    return {**figures, **_money(spec, row.get("revenue")), "conversion_rate": buyers / people if people else 0.0}


def _series(spec: Spec, between: Range, found: _Lists) -> list[dict[str, Any]]:
    known = {row["entry"]: row for row in found.get("series", ())}
    series = []
    for day in dates(between.start, between.end, spec.timezone):
        row = known.get(day.isoformat(), {})
        figures = {name: row.get(name, 0) for name in _OF_A_DAY}
        series.append({"date": day.isoformat(), **figures, **_money(spec, row.get("revenue"))})
    return series


def _people(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"key": row["entry"], "people": row["people"]}
