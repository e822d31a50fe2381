"""Destinations: where exports can go, whether they answer, one more, one less."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, places, state
from dashboard.client import ApiAway, ApiError, Json, SignedOut
from dashboard.components import empty, guarded, head, notice, section
from dashboard.views import conversions, destination_new, recalls


@guarded
def page() -> None:
    """The page."""
    if not state.site():
        head("Destinations")
        empty("No site yet.", "Open Install in the menu and add your site; its audiences are sent from here.")
        return
    head("Destinations", f"{state.site_name()} · where audiences can be sent: networks, buckets, servers")
    rows = state.api().destinations(state.site_name())
    kinds = state.ask(state.api().destination_kinds)
    titles = {str(one["kind"]): str(one["title"]) for one in kinds["kinds"]}
    if not rows:
        empty(
            "No destination is connected yet.",
            "Connect one below, and then open an audience and choose under Deliveries how often it is sent there. "
            "Until then you can download files.",
        )
    for row in rows:
        _card(row, titles)
    names = {str(row["id"]): str(row["name"]) for row in rows}
    with st.container(border=True, key="card-conversions"):
        section(
            "Conversions", "Events that networks are told of, server to server, each once and as its person allows."
        )
        conversions.panel(rows)
    with st.container(border=True, key="card-recalls"):
        section("Removal orders", "Everybody of a deleted audience is taken back from where it was delivered.")
        recalls.panel(names)
    with st.container(border=True, key="card-destination-new"):
        section("Connect a destination", "Secrets are sealed before they are stored, and never shown again.")
        destination_new.form(kinds)


def _card(row: Json, titles: dict[str, str]) -> None:
    id = str(row["id"])
    with st.container(border=True, key=f"card-destination-{id}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            with st.container(gap=None, width="stretch"):
                section(str(row["name"]), _about(row, titles))
            asked = st.button("Check", icon=":material/network_check:", key=f"check-{id}")
            with st.popover("Delete", icon=":material/delete:", type="tertiary", key=f"destination-away-{id}"):
                _delete(id)
        waiting = int(row.get("waiting") or 0)
        if waiting:
            notice("warn", f"{formats.number(waiting)} people: it is not known yet whether they arrived.")
        if asked:
            _check(id)


def _about(row: Json, titles: dict[str, str]) -> str:
    parts = [titles.get(str(row["kind"]), str(row["kind"])), places.leads(row.get("options") or {})]
    if row.get("secrets"):
        parts.append(f"with {formats.listing([places.title(str(one)).lower() for one in row['secrets']], 'and')}")
    return " · ".join(part for part in parts if part)


def _check(id: str) -> None:
    try:
        with st.spinner("Asking …"):
            answer = state.api().check_destination(id)
    except (ApiAway, SignedOut) as away:
        if isinstance(away, SignedOut) or not away.status:
            raise
        notice("bad", "It does not answer.", away.sentence)
    except ApiError as refusal:
        notice("bad", "It does not take anything.", refusal.sentence)
    else:
        notes = answer.get("notes") or []
        notice("good", "It answers and can be sent to.", " ".join(str(note) for note in notes))


@guarded
def _delete(id: str) -> None:
    notice(
        "warn",
        "This cannot be undone.",
        "Its secrets are forgotten, and nobody can be taken back there any more who was sent to it.",
    )
    if st.button("Delete the destination", key=f"destination-delete-{id}"):
        state.api().delete_destination(id)
        state.forget()
        st.rerun()
