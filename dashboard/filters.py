"""The filter rows that the funnel's and the audience's builder share."""

from __future__ import annotations

import streamlit as st

from dashboard import questions, state
from dashboard.client import Json
from dashboard.components import cross


def keep(key: str, value: object) -> str:
    """Seed a widget that is not on the screen yet with what the draft holds; returns its key."""
    if key not in st.session_state:
        st.session_state[key] = value
    return key


def known_values(event: str | None) -> dict[str, list[str]]:
    """Properties to choose from, each with its most frequent values."""
    rows = state.ask(state.api().properties, state.site_name(), event)
    found = {str(row["property"]): [str(value) for value in row.get("values", [])] for row in rows}
    return {name: found.get(name, []) for name in dict.fromkeys([*found, *questions.PROPERTIES])}


def editor(prefix: str, rows: list[Json], event: str | None) -> None:
    """Edit `rows` in place: property, comparison, value; add and remove."""
    known = known_values(event)
    for row in list(rows):
        _row(f"{prefix}-{row['id']}", rows, row, known)
    if st.button("Add a filter", icon=":material/add:", type="tertiary", key=f"{prefix}-add"):
        rows.append(questions.new_filter(next(iter(known), "")))
        st.rerun()


def one(key: str, row: Json) -> None:
    """Edit a single filter in place: there is nothing to add or remove."""
    _row(key, None, row, known_values(None))


def _row(key: str, rows: list[Json] | None, row: Json, known: dict[str, list[str]]) -> None:
    names = list(dict.fromkeys([*known, *([row["property"]] if row["property"] else [])]))
    with st.container(key=f"filter-{key}", gap="xsmall"):
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
            row["property"] = st.selectbox(
                "Property",
                names,
                format_func=questions.property_title,
                accept_new_options=True,
                key=keep(f"{key}-property", row["property"] or names[0]),
            )
            row["op"] = st.selectbox(
                "Comparison",
                list(questions.OPERATORS),
                format_func=questions.OPERATORS.__getitem__,
                key=keep(f"{key}-op", row["op"]),
            )
            if rows is not None and cross("Remove this filter", f"icon-{key}-remove"):
                rows.remove(row)
                st.rerun()
        _value(key, row, known.get(str(row["property"]), []))


def _value(key: str, row: Json, values: list[str]) -> None:
    if row["op"] in ("exists", "not_exists"):
        return
    if row["op"] in ("in", "not_in"):
        chosen = row["value"] if isinstance(row["value"], list) else [part for part in [row["value"]] if part]
        options = list(dict.fromkeys([*values, *chosen]))
        row["value"] = st.multiselect(
            "Values", options, key=keep(f"{key}-values", chosen), accept_new_options=True, placeholder="Choose or type"
        )
        return
    one = row["value"] if isinstance(row["value"], str) else next(iter(row["value"]), "")
    if row["op"] in ("eq", "ne"):
        options = list(dict.fromkeys([*values, *([one] if one else [])]))
        row["value"] = (
            st.selectbox(
                "Value",
                options,
                index=None,
                key=keep(f"{key}-value", one or None),
                accept_new_options=True,
                placeholder="Choose or type",
            )
            or ""
        )
        return
    row["value"] = st.text_input("Value", key=keep(f"{key}-text", one))
