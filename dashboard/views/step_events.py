"""The events of one step that have filters of their own each: any of them is the step."""

from __future__ import annotations

import streamlit as st

from dashboard import filters, formats, questions
from dashboard.client import Json
from dashboard.components import cross
from dashboard.filters import keep


def edit(step: Json, names: list[str], key: str) -> None:
    """Edit them in place; a step whose events share their filters can be split into such."""
    if step.get("mixed"):
        _each(step, names, key)
        return
    st.markdown("**Only events where**")
    filters.editor(key, step["where"], step["events"][0] if len(step["events"]) == 1 else None)
    if len(step["events"]) > 1 and st.button(
        "Filters for each event", icon=":material/call_split:", type="tertiary", key=f"{key}-split"
    ):
        step["mixed"] = questions.split(step)
        st.rerun()


def _each(step: Json, names: list[str], key: str) -> None:
    rows: list[Json] = step["mixed"]
    for row in list(rows):
        one = f"{key}-of-{row['id']}"
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
            row["event"] = (
                st.selectbox(
                    "Event",
                    list(dict.fromkeys([*names, "*", *([row["event"]] if row["event"] else [])])),
                    index=None,
                    key=keep(f"{one}-event", row["event"] or None),
                    format_func=formats.event_title,
                    placeholder="Choose an event",
                )
                or ""
            )
            if len(rows) > 1 and cross("Remove this event", f"icon-{one}-remove"):
                rows.remove(row)
                st.rerun()
        filters.editor(one, row["where"], row["event"] or None)
    if st.button("Or another event", icon=":material/add:", type="tertiary", key=f"{key}-more"):
        rows.append({"id": questions.new_id(), "event": "", "where": []})
        st.rerun()
    step["events"] = [row["event"] for row in rows if row["event"]]
