"""A person on one line: ids, last seen, country, device, first channel, number of visits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracker.analytics.funnel_hits import UNITS
from tracker.core.period import rfc3339
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.sql import Fragment, fill, load


def cards(engine: Engine, site: str, count_by: str, units: Sequence[int]) -> dict[int, dict[str, Any]]:
    """key -> card, for keys of persons, visitors or sessions. A key without events has no card.

    `person` is the user id where one is known, else the visitor id; `channel` is the first one seen, the rest the last.
    """
    if not units:
        return {}
    by_person = count_by == "person"
    theirs = f"key in {persons.keys_of('units').text}" if by_person else f"{UNITS[count_by]} in {{units:Array(UInt64)}}"
    answer = engine.ask(
        fill(
            load(__package__, "person_card"),
            {
                "unit": Fragment(UNITS[count_by]),
                "events": events_source(engine),
                "persons": persons.join() if by_person else Fragment(""),
                "theirs": Fragment(theirs),
            },
            {"site": site, "units": list(units)},
        )
    )
    return {row["unit"]: _card(row) for row in answer.dicts()}


def _card(row: dict[str, Any]) -> dict[str, Any]:
    user = row["own_user"] or row["last_user"]
    return {
        "person": user or row["last_visitor"],
        "visitor": row["last_visitor"],
        "user": user,
        "last_seen": rfc3339(row["last_seen"]),
        "last_event": row["last_event"],
        "props": {
            "country": row["last_country"],
            "device": row["last_device"],
            "channel": row["first_channel"],
            "visits": row["visits"],
        },
    }
