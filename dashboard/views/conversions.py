"""Conversions: which events go to which network, how the last uploads ended, and a dry run."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, state, told
from dashboard.client import ApiAway, ApiError, Json, SignedOut
from dashboard.components import Column, bars, empty, guarded, notice, section, table
from dashboard.views import audience_download, conversion_new


@guarded
def panel(destinations: list[Json]) -> None:
    """All of the site's, and one more; `destinations`: those of the site."""
    places = {str(row["id"]): str(row["name"]) for row in destinations}
    rows = state.api().conversions(state.site_name())
    if not rows:
        empty(
            "No network is told of conversions yet.",
            "Connect a conversions API below, and say here which events go there. They stand here then.",
        )
    networks = {str(one["name"]): one for one in state.ask(state.api().conversion_networks)}
    exports = state.api().exports(state.site_name()) if rows else []
    for row in rows:
        with st.container(border=True, key=f"card-conversion-{row['id']}"):
            _card(row, networks.get(str(row["network"]), {}), places, exports)
    conversion_new.form(destinations, networks)


def _card(row: Json, network: Json, places: dict[str, str], exports: list[Json]) -> None:
    id, key = str(row["id"]), f"told-{row['id']}"
    to = places.get(str(row["destination"]), "a destination that is gone")
    title = str(network.get("title") or row["network"])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(gap=None, width="stretch"):
            section(str(row["name"]), f"{title} · {to} · {told.rhythm(row)}")
        if st.button("Dry run", icon=":material/preview:", key=f"dry-{id}", help="A file of what would be sent."):
            _run(key, id, "dry")
        if network.get("tests") and st.button(
            "Test", icon=":material/science:", key=f"test-{id}", help="Sent so that it counts nowhere."
        ):
            _run(key, id, "test")
        with st.popover("Send now", icon=":material/send:", type="tertiary", key=f"live-{id}"):
            notice("warn", "What is told cannot be taken back.", "The network counts it. Look at a dry run first.")
            if st.button("Send what is new", key=f"send-{id}"):
                _run(key, id, "live")
    if int(row.get("failures") or 0):
        why = told.ended(row.get("last") or {"state": "failed"})
        notice("bad", f"The last upload failed, {formats.number(row['failures'])} times in a row.", why)
    _keeping(row)
    columns = [Column("Event", "strong"), Column("Which"), Column("The network's name of it")]
    table(columns, told.events(row, network.get("names") or {}), f"Events of {row['name']}")
    audience_download.progress(key, _finished, "Nothing was sent.")
    lines = told.latest(exports, id, state.zone(state.site()))
    if lines:
        titles = ("Told", "Told before", "Withheld")
        columns = [Column("When", "when"), Column("Mode"), Column("How it ended")]
        table([*columns, *(Column(one, "number") for one in titles)], lines, f"The last uploads of {row['name']}")
    else:
        st.caption("Nothing was sent or tried yet.")


def _keeping(row: Json) -> None:
    """How often it is sent, and its end."""
    id, every = str(row["id"]), str(row.get("every") or "")
    titles = {**({every: f"every {formats.window_text(every)}"} if every else {}), **conversion_new.EVERY}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Sent",
            list(titles),
            format_func=titles.__getitem__,
            index=list(titles).index(every),
            key=f"every-{id}-{every}",
            width=220,
        )
        if chosen != every:
            state.api().reschedule_conversion(id, chosen or None)
            st.rerun()
        with st.popover("Delete", icon=":material/delete:", type="tertiary", key=f"conversion-away-{id}"):
            notice("warn", "This cannot be undone.", "The network is told no more; what it was told it keeps.")
            if st.button("Delete the conversion", key=f"conversion-delete-{id}"):
                state.api().end_conversion(id)
                st.rerun()


def _run(key: str, id: str, mode: str) -> None:
    try:
        st.session_state[key] = state.api().run_conversion(id, mode)
    except (ApiAway, SignedOut):
        raise
    except ApiError as refusal:
        st.session_state[key] = {"state": "failed", "error": refusal.sentence}


def _finished(export: Json) -> None:
    """What was told or would be, and what was not and why."""
    taken = told.taken(export)
    count = formats.number(taken)
    said = {
        "dry": f"Dry run: {count} events would be told. Nothing was sent.",
        "test": f"Test: {count} events were sent, and count nowhere.",
    }.get(str(export.get("mode")), f"{count} events were told.")
    notice("good" if taken else "info", said)
    rows = told.withheld(export)
    if rows:
        bars(rows, ("Not told, because", "Events"), "")
    if export.get("mode") == "dry" and export.get("files"):
        audience_download.offer(str(export["id"]))
