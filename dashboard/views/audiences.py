"""Audiences: the list with sizes."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, rules, sizes, state
from dashboard.client import ApiAway, ApiError, Json
from dashboard.components import empty, guarded, head, notice, section
from dashboard.markup import Markup, tag
from dashboard.views import audience_new, audience_parts, audiences_overlap


@guarded
def page() -> None:
    """The page."""
    if not state.site():
        head("Audiences")
        empty("No site yet.", "Open Install in the menu and add your site; audiences are made of its visitors.")
        return
    head("Audiences", f"{state.site_name()} · groups of people that keep themselves up to date")
    rows = state.ask(state.api().audiences, state.site_name())
    with st.container(horizontal=True, gap="small"):
        if st.button(
            "New audience", icon=":material/add:", type="primary" if not rows else "secondary", key="new-audience"
        ):
            audience_new.ask()
    if not rows:
        empty(
            "No audiences yet.",
            "Choose New audience and begin with a recipe, like those who left a cart. Or open Funnel in the menu, see "
            "who dropped at a step, and make an audience of them with one click.",
        )
        return
    for row in rows:
        _card(row)
    if len(rows) > 1:
        audiences_overlap.card()


def _card(row: Json) -> None:
    id = str(row["id"])
    with (
        st.container(border=True, key=f"card-audience-{id}"),
        st.container(horizontal=True, vertical_alignment="center", gap="medium"),
    ):
        with st.container(gap=None, width="stretch", key=f"audience-said-{id}"):
            section(str(row["name"]), rules.summary(audience_parts.readable(row["rule"])))
            if (row.get("membership") or {}).get("state") == "failing":
                notice("bad", "It could not be refreshed.", "Open it to see why.")
        st.html(_size(row), width=150)
        if st.button("Open", key=f"open-{id}"):
            st.switch_page(state.pages()["audience"], query_params={"id": id})


def _size(row: Json) -> Markup:
    """How many are in it as of the last refresh; before the first one they are counted."""
    membership = row.get("membership") or {}
    if membership.get("as_of"):
        return _sized(sizes.told(membership["members"]), sizes.told(membership["exportable"]))
    try:
        holdout = float(row.get("holdout") or 0)
        answer = state.ask(state.api().preview, str(row["site"]), row["rule"], holdout, str(row["id"]))
    except ApiAway:
        raise
    except ApiError:
        return tag("div", tag("b", formats.NONE), tag("span", "cannot be counted"), cls="jt-size")
    return _sized(formats.few(answer["size"]), formats.few(answer["exportable"], answer["size"]))


def _sized(people: str, exportable: str) -> Markup:
    return tag("div", tag("b", people), tag("span", f"people, {exportable} exportable"), cls="jt-size")
