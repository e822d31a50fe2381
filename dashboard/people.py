"""A list of people, the same on every page."""

from __future__ import annotations

from dashboard import formats, state
from dashboard.client import Json
from dashboard.components import Column, table


def label(person: Json) -> str:
    """What the site calls them, else the beginning of the browser's id."""
    if person.get("user"):
        return formats.short(str(person["user"]), 40)
    visitor = str(person.get("visitor") or person.get("person") or "")
    return f"Visitor {visitor[:8]}"


def listing(rows: list[Json], caption: str) -> None:
    """Who, when seen last, what they did last, and what is known of them."""
    now = state.now()
    columns = [Column("Person", "strong"), Column("Last seen", "when"), Column("Last event"), Column("Known")]
    lines = [
        [
            label(row),
            formats.ago(formats.moment(row.get("last_seen")), now),
            formats.event_title(str(row.get("last_event") or "")),
            known(row),
        ]
        for row in rows
    ]
    table(columns, lines, caption)


def known(person: Json) -> str:
    """Country, device and channel, or what else the answer has."""
    props = {
        key: value
        for key, value in {**person, **(person.get("props") or {})}.items()
        if isinstance(value, str | int | float)
    }
    named = [str(props[key]) for key in ("country", "device", "channel", "browser") if props.get(key)]
    return " · ".join(named) or formats.NONE
