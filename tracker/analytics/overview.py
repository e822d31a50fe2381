"""The first page: totals against the period before, day by day, and the top lists. Definitions: `docs/reports.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tracker.analytics import request
from tracker.analytics.funnel_hits import UNITS
from tracker.analytics.request import Range
from tracker.core.errors import BadRequest
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param
from tracker.store.sql import Fragment, fill, load

TOP = 20
NO_CURRENCY = "XXX"
"""ISO 4217's code for an amount without a currency."""

_FIGURES = ("people", "sessions", "events", "page_views", "purchases")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request; days are those of `timezone`."""

    site: str
    range: Range
    timezone: str = "UTC"


def parse(body: object) -> Spec:
    """Check `{"site", "from", "to", "timezone"}`. Raises BadRequest."""
    given = request.fields(body, ("site", "from", "to", "timezone"))
    spec = Spec(site=request.site(given), range=request.time_range(given), timezone=request.timezone(given))
    if spec.range.end - spec.range.start > 5 * 366 * 86_400_000:
        raise BadRequest("from and to may lie at most five years apart here", field="from")
    return spec


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """Totals, the same for as long a time before, the series with empty days, and the top lists."""
    asked = _Asked(engine, spec)
    totals = {
        bool(row["now"]): _totals(row) for row in asked("overview_totals", before=2 * spec.range.start - spec.range.end)
    }
    return {
        "totals": totals.get(True, _totals({})),
        "previous": totals.get(False, _totals({})),
        "series": _series(spec, asked("overview_series", timezone=spec.timezone)),
        "channels": [
            {"key": row.pop("entry"), **row, "revenue": money(row["revenue"])}
            for row in asked("overview_channels", top=TOP)
        ],
        "pages": [
            {"key": row["entry"], "views": row["count"], "people": row["people"]}
            for row in asked.top("path", "event = 'page_view'", "count")
        ],
        "countries": [_people(row) for row in asked.top("country", "country != ''", "people")],
        "devices": [_people(row) for row in asked.top("device", "device != ''", "people")],
        "events": [
            {"event": row["entry"], "count": row["count"], "people": row["people"]}
            for row in asked.top("event", "true", "count")
        ],
    }


def money(amounts: Any) -> dict[str, float]:
    """Amounts by currency, to a hundredth of a cent, so that sums of floats look like sums."""
    pairs = amounts.items() if isinstance(amounts, Mapping) else zip(*amounts, strict=True) if amounts else ()
    return {currency or NO_CURRENCY: round(float(amount), 4) for currency, amount in pairs}


class _Asked:
    """Asks one of this report's questions."""

    def __init__(self, engine: Engine, spec: Spec) -> None:
        self._engine = engine
        self._spec = spec
        self._slots = {
            "events": events_source(engine),
            "persons": persons.join(),
            "person": Fragment(persons.PERSON),
            "session": Fragment(UNITS["session"]),
        }

    def __call__(
        self, name: str, /, slots: Mapping[str, Fragment] | None = None, **params: str | int
    ) -> list[dict[str, Any]]:
        text = load(__package__, name)
        used = {slot: value for slot, value in {**self._slots, **(slots or {})}.items() if f"/*{slot}*/" in text}
        between: dict[str, Param] = {
            "site": self._spec.site,
            "from": self._spec.range.start,
            "to": self._spec.range.end,
        }
        return self._engine.ask(fill(text, used, {**between, **params})).dicts()

    def top(self, key: str, which: str, order: str) -> list[dict[str, Any]]:
        """The biggest values of a column."""
        slots = {"key": Fragment(key), "which": Fragment(which), "order": Fragment(order)}
        return self("overview_top", slots, top=TOP)


def _totals(row: Mapping[str, Any]) -> dict[str, Any]:
    figures: dict[str, Any] = {name: row.get(name, 0) for name in _FIGURES}
    buyers, people = row.get("buyers", 0), figures["people"]
    return {**figures, "revenue": money(row.get("revenue")), "conversion_rate": buyers / people if people else 0.0}


def _series(spec: Spec, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    zone = ZoneInfo(spec.timezone)
    known = {row["date"]: row for row in rows}
    day = datetime.fromtimestamp(spec.range.start / 1000, UTC).astimezone(zone).date()
    last = datetime.fromtimestamp((spec.range.end - 1) / 1000, UTC).astimezone(zone).date()
    series = []
    while day <= last:
        row = known.get(day.isoformat(), {})
        figures = {name: row.get(name, 0) for name in ("people", "events", "page_views", "purchases")}
        series.append({"date": day.isoformat(), **figures, "revenue": money(row.get("revenue"))})
        day += timedelta(days=1)
    return series


def _people(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"key": row["entry"], "people": row["people"]}
