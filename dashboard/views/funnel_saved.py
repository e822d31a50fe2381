"""Saved funnels: open, save, delete."""

from __future__ import annotations

import streamlit as st

from dashboard import questions, state
from dashboard.client import Json
from dashboard.components import guarded
from dashboard.views import funnel_builder

NEW = ""


def bar(names: list[str]) -> Json:
    """The row above the builder; returns the draft to edit."""
    draft = funnel_builder.current(names)
    saved = {str(row["id"]): row for row in state.ask(state.api().funnels, state.site_name())}
    wanted = st.session_state.pop("funnel-wanted", None)
    if wanted is not None:
        st.session_state["funnel-choice"] = wanted
    if st.session_state.get("funnel-choice", NEW) not in (NEW, *saved):
        st.session_state["funnel-choice"] = NEW
    filters_key = "funnel-choice"
    if filters_key not in st.session_state:
        st.session_state[filters_key] = st.session_state.get("funnel-id") or NEW
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom", key="saved-bar"):
        chosen = st.selectbox(
            "Funnel",
            [NEW, *saved],
            format_func=lambda id: str(saved[id]["name"]) if id else "New funnel",
            key=filters_key,
            label_visibility="collapsed",
        )
        with st.popover("Save", icon=":material/bookmark:"):
            _save(draft, saved.get(chosen))
    if chosen != (st.session_state.get("funnel-id") or NEW):
        st.session_state["funnel-id"] = chosen or None
        st.session_state["funnel"] = (
            questions.draft_of(saved[chosen]["funnel"]) if chosen else questions.new_draft(names)
        )
        funnel_builder.reset_widgets()
        st.rerun()
    return draft


@guarded
def _save(draft: Json, open_one: Json | None) -> None:
    api, period = state.api(), state.period()
    name = st.text_input(
        "Name",
        value=str(open_one["name"]) if open_one else "",
        key=f"funnel-name-{open_one['id'] if open_one else 'new'}",
        placeholder="Checkout",
    )
    spec = questions.funnel_spec(draft, state.site_name(), period.start, period.end)
    spec |= questions.comparison(draft) | questions.money(draft)
    ready = bool(name.strip()) and not questions.problem(draft)
    with st.container(horizontal=True, gap="xsmall"):
        if open_one and st.button("Save changes", type="primary", disabled=not ready, key="funnel-update"):
            api.save_funnel(name.strip(), spec, str(open_one["id"]))
            _opened(str(open_one["id"]))
        if st.button(
            "Save as new" if open_one else "Save",
            type="secondary" if open_one else "primary",
            disabled=not ready,
            key="funnel-create",
        ):
            _opened(str(api.save_funnel(name.strip(), spec)["id"]))
        if open_one and st.button("Delete", icon=":material/delete:", type="tertiary", key="funnel-delete"):
            api.delete_funnel(str(open_one["id"]))
            _opened(NEW)


def _opened(id: str) -> None:
    st.session_state["funnel-id"] = id or None
    st.session_state["funnel-wanted"] = id
    state.forget()
    st.rerun()
