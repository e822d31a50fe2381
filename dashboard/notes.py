"""Notes on days: on every chart over time, and where to write them."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from dashboard import charts, formats, state
from dashboard.client import Json
from dashboard.components import chart, cross, guarded, section


def dated(figure: go.Figure, key: str, alt: str) -> None:
    """A chart over time, with the notes of its days."""
    rows = _rows()
    charts.annotate(figure, [(str(row["date"]), str(row["text"])) for row in rows])
    said = "; ".join(f"{row['date']}: {row['text']}" for row in rows)
    chart(figure, key, f"{alt}. Notes: {said}" if said else alt)


@guarded
def card() -> None:
    """What happened in the period: the list, and a line to add to it."""
    with st.container(border=True, key="card-notes"):
        section("Notes", "what happened on a day; they stand on every chart over time")
        rows = _rows()
        for row in rows:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.text(f"{row['date']}  {row['text']}")
                if cross("Delete", f"icon-note-{row['id']}"):
                    state.api().delete_annotation(str(row["id"]))
                    state.forget()
                    st.rerun()
        with (
            st.form("note", border=False, clear_on_submit=True),
            st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
        ):
            day = st.date_input("Day", state.period().last, key="note-day", format="YYYY-MM-DD", width=150)
            text = st.text_input("What happened", key="note-text", max_chars=500, placeholder="Sale began")
            written = st.form_submit_button("Add", icon=":material/add:")
        if written and text.strip():
            state.api().annotate(state.site_name(), day.isoformat(), text.strip())
            state.forget()
            st.rerun()
        if not rows:
            st.caption(formats.plain(f"None from {state.period().text} yet."))


def _rows() -> list[Json]:
    period = state.period()
    first, last = period.first.isoformat(), period.last.isoformat()
    return state.ask(state.api().annotations, state.site_name(), first, last)
