"""Audiences: the list, and one audience with its rule, its people and its download."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, people, rules, state
from dashboard.client import ApiAway, ApiError, Json
from dashboard.components import empty, guarded, head, notice, section
from dashboard.markup import Markup, tag
from dashboard.views import audience_download, audience_new, audience_parts

SHOWN = 10


@guarded
def page() -> None:
    """The list, or the one audience that the address names."""
    if not state.site():
        head("Audiences")
        empty("No site yet.", "Open Install in the menu and add your site; audiences are made of its visitors.")
        return
    chosen = st.query_params.get("audience")
    if chosen:
        _one(str(chosen))
    else:
        _list()


def _list() -> None:
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
            "Open Funnel in the menu, look who dropped at a step, and make an audience of them with one click.",
        )
        return
    for row in rows:
        _card(row)


def _card(row: Json) -> None:
    id = str(row["id"])
    with (
        st.container(border=True, key=f"card-audience-{id}"),
        st.container(horizontal=True, vertical_alignment="center", gap="medium"),
    ):
        with st.container(gap=None, width="stretch"):
            first = rules.lines(row["rule"])
            section(str(row["name"]), first[0][1] if first else "")
        st.html(_size(row), width=110)
        if st.button("Open", key=f"open-{id}"):
            st.query_params["audience"] = id
            st.rerun()


def _size(row: Json) -> Markup:
    try:
        holdout = float(row.get("holdout") or 0)
        answer = state.ask(state.api().preview, str(row["site"]), row["rule"], holdout, str(row["id"]))
    except ApiAway:
        raise
    except ApiError:
        return tag("div", tag("b", formats.NONE), tag("span", "cannot be counted"), cls="jt-size")
    exportable = f"{formats.number(answer['exportable'])} exportable"
    return tag("div", tag("b", formats.number(answer["size"])), tag("span", exportable), cls="jt-size")


def _one(id: str) -> None:
    if st.button("All audiences", icon=":material/arrow_back:", type="tertiary", key="back"):
        del st.query_params["audience"]
        st.rerun()
    audience = state.api().audience(id)
    head(str(audience["name"]), _about(audience))
    holdout = float(audience.get("holdout") or 0)
    preview = state.ask(state.api().preview, str(audience["site"]), audience["rule"], holdout, id)
    audience_parts.sizes(preview)
    left, right = st.columns(2)
    with left, st.container(border=True, key="card-rule"):
        section("Who is in it")
        audience_parts.rule(audience["rule"])
    with right, st.container(border=True, key="card-withheld"):
        section("Who is withheld, and why", "checked person by person, again at every export")
        audience_parts.withheld(preview)
    with st.container(border=True, key="card-download"):
        section("Download", "Only people who may be exported are in the file.")
        audience_download.panel(id)
    with st.container(border=True, key="card-members"):
        section("Members")
        _members(id)
    _delete(id, audience)


def _about(audience: Json) -> str:
    parts = []
    if audience.get("duration"):
        parts.append(f"people stay for {formats.window_text(str(audience['duration']))}")
    if audience.get("holdout"):
        parts.append(f"{formats.percent(float(audience['holdout']))} kept aside to measure the effect")
    if audience.get("created"):
        parts.append(f"made {formats.ago(formats.moment(str(audience['created'])), state.now())}")
    return " · ".join([str(audience["site"]), *parts])


def _members(id: str) -> None:
    key = f"members-shown-{id}"
    shown = int(st.session_state.get(key, SHOWN))
    answer = state.ask(state.api().members, id, shown)
    rows = answer.get("members") or answer.get("people") or []
    if not rows:
        empty(
            "Nobody is in it yet.", "People join as soon as they match the rule; the list is renewed every few minutes."
        )
        return
    people.listing(rows, "Members of the audience")
    total = int(answer.get("total", len(rows)))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"{formats.number(len(rows))} of {formats.number(total)}")
        if len(rows) < total and st.button("Show more", type="tertiary", key="more-members"):
            st.session_state[key] = min(shown * 4, 1000)
            st.rerun()


def _delete(id: str, audience: Json) -> None:
    with st.popover("Delete", icon=":material/delete:", type="tertiary"):
        notice(
            "warn", "This cannot be undone.", "The audience and its membership go; the people and their events stay."
        )
        if st.button("Delete the audience", key="delete-audience"):
            state.api().delete_audience(id)
            state.forget()
            del st.query_params["audience"]
            st.rerun()
