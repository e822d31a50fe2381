"""One audience: who is in it, who is withheld and why, its members, a download."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, people, sidebar, state
from dashboard.client import Json
from dashboard.components import empty, guarded, head, notice, section
from dashboard.views import audience_deliveries, audience_download, audience_lift, audience_members, audience_parts

SHOWN = 10


@guarded
def page() -> None:
    """The audience that the address names with `?id=`."""
    id = str(st.query_params.get("id", ""))
    if st.button("All audiences", icon=":material/arrow_back:", type="tertiary", key="back") or not id:
        st.switch_page(state.pages()["audiences"])
    audience = state.api().audience(id)
    sidebar.turn_to(str(audience["site"]), id)
    head(str(audience["name"]), _about(audience))
    holdout = float(audience.get("holdout") or 0)
    preview = state.ask(state.api().preview, str(audience["site"]), audience["rule"], holdout, id)
    audience_parts.sizes(preview)
    left, right = st.columns(2)
    with left, st.container(border=True, key="card-rule"):
        section("Who is in it")
        audience_parts.rule(audience["rule"])
        if st.button("Edit", icon=":material/edit:", type="tertiary", key="edit-audience"):
            st.switch_page(state.pages()["audience_edit"], query_params={"id": id})
    with right, st.container(border=True, key="card-withheld"):
        section("Who is withheld, and why", "checked person by person, again at every export")
        audience_parts.withheld(preview)
    with st.container(border=True, key="card-membership"):
        section("Membership", f"as stored, {state.period().text}; exports always ask anew")
        audience_members.panel(audience)
    with st.container(border=True, key="card-lift"):
        section("What it brought", "those who may be shown advertising beside those who are kept aside (hold-out)")
        audience_lift.panel(audience)
    with st.container(border=True, key="card-download"):
        section("Download", "Only people who may be exported are in the file.")
        audience_download.panel(id, preview["exportable"])
    with st.container(border=True, key="card-deliveries"):
        section("Deliveries", "Sent again and again: who is new, and first of all who must not be there any more.")
        audience_deliveries.panel(id, str(audience["site"]), preview["exportable"])
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


@guarded
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
            st.switch_page(state.pages()["audiences"])
