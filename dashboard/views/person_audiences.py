"""Which audiences a person is in, since when and why, and why an export leaves them out."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, people, rules, sizes, state
from dashboard.client import ApiError, Json
from dashboard.components import Column, empty, guarded, notice, table
from dashboard.markup import Markup, join, tag
from dashboard.views import audience_parts


@guarded
def panel(id: str) -> None:
    """The panel; a token that may not read people is told so."""
    try:
        rows = state.ask(state.api().person_audiences, state.site_name(), id)
    except ApiError as refusal:
        if refusal.status != 403:
            raise
        notice("info", refusal.sentence)
        return
    if not rows:
        empty("No audiences yet.", "Open Audiences in the menu and make one; here is why this person is in it or not.")
        return
    spec = {str(one["id"]): one["rule"] for one in state.ask(state.api().audiences, state.site_name())}
    inside = sum(bool(row["inside"]) for row in rows)
    st.caption(f"In {formats.number(inside)} of {formats.number(len(rows))}, as of now.")
    columns = [Column("Audience", "strong"), Column("In it"), Column("Why"), Column("In an export")]
    lines: list[list[object]] = [
        [row["name"], _stay(row), _why(row, spec.get(str(row["id"]), {})), _exported(row)]
        for row in sorted(rows, key=lambda row: not row["inside"])
    ]
    table(columns, lines, "The audiences of the site, and whether this person is in them")


def _stay(row: Json) -> Markup:
    stay = row.get("stay") or {}
    said = []
    if row["inside"]:
        since = _day(stay.get("entered")) if stay and not stay.get("left") else ""
        said.append(f"Yes, since {since}" if since else "Yes")
        if since and stay.get("entered_by"):
            said.append(f"came by: {sizes.reason(stay['entered_by'])}")
    elif row.get("lapsed"):
        said.append("No, was not heard of for too long")
    elif stay.get("left"):
        said += [f"No, left {_day(stay['left'])}", f"went by: {sizes.reason(stay.get('left_by'))}"]
    else:
        said.append("No")
    if row.get("changes"):
        said.append(f"time may change it on {_day(row['changes'])}")
    return tag("div", *(tag("div", line, cls="jt-note" if at else None) for at, line in enumerate(said)))


def _why(row: Json, rule: Json) -> Markup:
    lines = []
    for one in row["conditions"]:
        said, holds = rules.spoken(audience_parts.readable(rule), str(one["path"]), bool(one["holds"]))
        lines.append(tag("div", f"{'✓' if holds else '✗'} {said}{_evidence(one)}"))
    return tag("div", join(*lines)) if lines else Markup(formats.NONE)


def _evidence(one: Json) -> str:
    count, last = one.get("count"), one.get("last")
    said = []
    if count:
        said.append("once" if count == 1 else f"{formats.number(count)} times")
    if last:
        said.append(f"last {_day(last)}")
    if one.get("value") not in (None, ""):
        said.append(f"is {formats.short(str(one['value']), 60)}")
    return f" ({', '.join(said)})" if said else ""


def _exported(row: Json) -> str:
    return people.exported(row.get("withheld")) if row["inside"] else formats.NONE


def _day(text: str | None) -> str:
    then = formats.moment(text)
    return formats.days(*(then.astimezone(state.period().zone).date(),) * 2) if then else ""
