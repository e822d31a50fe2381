"""A list of people, the same on every page."""

from __future__ import annotations

import re

from dashboard import formats, rules, state
from dashboard.client import Json
from dashboard.components import Column, table
from dashboard.countries import country

_MADE_UP = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f-]{4,}", re.IGNORECASE)


def label(person: Json) -> str:
    """What the site calls them, else the beginning of the browser's id."""
    if person.get("user"):
        return formats.short(str(person["user"]), 40)
    visitor = str(person.get("visitor") or person.get("person") or "")
    return f"Visitor {visitor[:8]}"


def named(id: str) -> str:
    """A user or visitor id as the live list has it: what a browser made up is shortened."""
    return label({"visitor": id}) if _MADE_UP.fullmatch(id) else label({"user": id})


def listing(rows: list[Json], caption: str) -> None:
    """Who, when seen last, what they did last, what is known of them; and whether they may be exported."""
    now = state.now()
    judged = any("withheld" in row for row in rows)
    columns = [Column("Person", "strong"), Column("Last seen", "when"), Column("Last event"), Column("Known")]
    lines: list[list[object]] = [
        [
            label(row),
            formats.ago(formats.moment(row.get("last_seen")), now),
            formats.event_title(str(row.get("last_event") or "")),
            known(row),
        ]
        for row in rows
    ]
    if judged:
        columns.append(Column("In an export"))
        lines = [[*line, exported(row.get("withheld"))] for line, row in zip(lines, rows, strict=True)]
    table(columns, lines, caption)


def exported(withheld: str | None) -> str:
    """Whether a member goes into a file, and if not, why."""
    return "Yes" if withheld is None else f"No: {rules.WITHHELD_ONE.get(withheld, withheld.replace('_', ' '))}"


def known(person: Json) -> str:
    """Country, device and channel, or what else the answer has."""
    props = {
        key: value
        for key, value in {**person, **(person.get("props") or {})}.items()
        if isinstance(value, str | int | float)
    }
    found = {key: str(props[key]) for key in ("country", "device", "channel", "browser") if props.get(key)}
    named = [country(value) if key == "country" else value.replace("_", " ") for key, value in found.items()]
    return " · ".join(named) or formats.NONE
