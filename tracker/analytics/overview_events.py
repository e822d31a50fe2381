"""The overview's figures out of events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracker.analytics.request import Range
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param
from tracker.store.sql import Fragment, fill, load

_TOPS = {
    "page": ("path", "event = 'page_view'", "count"),
    "country": ("country", "country != ''", "people"),
    "device": ("device", "device != ''", "people"),
    "event": ("event", "true", "count"),
}


def counted(
    engine: Engine, site: str, timezone: str, between: Range, *, top: int, lists: bool
) -> dict[str, list[dict[str, Any]]]:
    """Rows by list: `total`, `series` and, where `lists`, the biggest entries of the others, in their order."""
    base = {
        "events": events_source(engine),
        "persons": persons.join(),
        "person": Fragment(persons.PERSON),
        "session": Fragment(persons.SESSION),
    }

    def ask(name: str, slots: Mapping[str, Fragment] | None = None) -> list[dict[str, Any]]:
        text = load(__package__, name)
        used = {slot: value for slot, value in {**base, **(slots or {})}.items() if f"/*{slot}*/" in text}
        params: dict[str, Param] = {
            "site": site,
            "from": between.start,
            "to": between.end,
            "timezone": timezone,
            "top": top,
        }
        return engine.ask(fill(text, used, params)).dicts()

    found = {"total": ask("overview_totals"), "series": ask("overview_series")}
    if lists:
        found["channel"] = ask("overview_channels")
        for name, (key, which, order) in _TOPS.items():
            slots = {"key": Fragment(key), "which": Fragment(which), "order": Fragment(order)}
            found[name] = [{**row, "events": row["count"]} for row in ask("overview_top", slots)]
    return found
