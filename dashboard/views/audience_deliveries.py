"""The repeated deliveries of an audience: connect it with a destination, see how the last ones ended."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, rules, state
from dashboard.client import ApiError, Json
from dashboard.components import notice
from dashboard.views.audience_download import progress, result
from dashboard.views.network_asks import asks, choices

EVERY = {"15m": "every 15 minutes", "1h": "every hour", "6h": "every 6 hours", "24h": "every day"}
TWINS = ("uid2", "euid")
"""Operators that are asked for ids: no audience is delivered to them."""
_MORE = {"7d": "every week"}


def panel(audience: str, site: str, exportable: int | None) -> None:
    """What there is, and a form for one more. Without the right to export there is nothing to see.

    `exportable`: members who may leave the house.
    """
    try:
        places = {str(one["id"]): one for one in state.api().destinations(site)}
        deliveries = state.api().deliveries(audience)
    except ApiError as refusal:
        notice("info", rules.sentence(refusal.sentence))
        return
    for one in deliveries:
        delivery(one, places)
    networks = {str(one["name"]): one for one in state.ask(state.api().networks)}
    takes = {
        id: one for id, one in places.items() if not _own(one) or (_own(one) in networks and _own(one) not in TWINS)
    }
    if takes:
        _connect(audience, takes, networks, exportable)
    else:
        notice("info", "No destination is connected yet.", "Open Destinations in the menu and connect one.")


def delivery(one: Json, places: dict[str, Json]) -> None:
    """How the last one ended, and its end; also of a list for people that is made by plan."""
    listed = str(one["network"]).partition("list.")[2]
    place = places.get(str(one["destination"]), {})
    last = one.get("last") or {}
    every = str(one["every"])
    title = f"{place.get('name', one['destination'])}, {(EVERY | _MORE).get(every, f'every {every}')}"
    if listed:
        title = f"List {listed} to {title}"
    if last.get("state") == "failed":
        error = last.get("error") or {}
        notice("bad", f"{title}: failed {formats.number(int(one['failures']))} times in a row.", _said(error))
    elif last:
        counts = last.get("counts") or {}
        added, removed = int(counts.get("written", 0)), int(counts.get("removed", 0))
        said = f"{formats.number(added)} {'on it' if listed else 'added'}"
        said += "" if listed else f", {formats.number(removed)} taken back"
        notice("good", f"{title}: {said}.", _when(last))
    else:
        notice("info", f"{title}: not delivered yet.", "It is due at once.")
    waiting = int(place.get("waiting", 0))
    if waiting:
        notice(
            "warn", f"{formats.number(waiting)} people: it is not known yet whether they arrived, or were taken back."
        )
    if st.button("End this delivery", key=f"end-{one['id']}"):
        state.api().end_delivery(str(one["id"]))
        st.rerun()


def _said(error: Json) -> str:
    return rules.sentence(str(error.get("message") or "the reason is in the log of the service"))


def _when(last: Json) -> str:
    then = formats.moment(last.get("finished") or last.get("created"), state.zone(state.site()))
    return f"The last one ended on {formats.when(then)}."


def _own(place: Json) -> str:
    """The network whose API it is; those that take conversions take no audiences."""
    return str((place.get("options") or {}).get("network") or "")


def _connect(audience: str, places: dict[str, Json], networks: dict[str, Json], exportable: int | None) -> None:
    key = f"deliver-{audience}"
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        id = st.selectbox(
            "Send to", list(places), format_func=lambda one: str(places[one]["name"]), key=f"{key}-to", width=240
        )
        own = _own(places[id])
        names = [own] if own else list(networks)
        name = st.selectbox(
            "In the form of",
            names,
            format_func=lambda one: str(networks.get(one, {}).get("title", one)),
            key=f"{key}-network-{id}",
            width=240,
        )
        chosen = choices(networks.get(name, {}), f"{key}-{name}")
        every = st.selectbox("How often", list(EVERY), format_func=EVERY.__getitem__, key=f"{key}-every", width=180)
        asked = st.button("Deliver", type="primary", key=f"{key}-start")
        tried = st.button(
            "Dry run",
            icon=":material/preview:",
            key=f"{key}-dry",
            help="Write down what would be sent now, and send nothing.",
        )
    if name in networks:
        asks(networks[name], exportable)
    shape = "api" if own else "file"
    body: Json = {"destination": id, "network": name, "shape": shape, "mode": "delta", "every": every}
    body |= {"options": chosen} if chosen else {}
    if tried:
        try:
            st.session_state[f"{key}-tried"] = state.api().dry_run(audience, body)
        except ApiError as refusal:
            st.session_state[f"{key}-tried"] = {"state": "failed", "error": refusal.sentence}
    progress(f"{key}-tried", result, "Nothing would be sent.")
    if asked:
        try:
            state.api().add_delivery(audience, body)
        except ApiError as refusal:
            notice("bad", "It was not connected.", rules.sentence(refusal.sentence))
        else:
            st.rerun()
