"""The form that tells a network of events: where to, which events under which names, since when, how often."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

import streamlit as st

from dashboard import filters, formats, questions, state
from dashboard.client import Json
from dashboard.components import cross, done, guarded, notice
from dashboard.filters import keep

EVERY = {"15m": "every 15 minutes", "1h": "every hour", "1d": "once a day", "": "only by hand"}
COUNT = "conversion-made"
"""How many this session made: part of the fields' keys, so that what was typed is gone afterwards."""
_MOST = 20


@guarded
def form(destinations: list[Json], networks: dict[str, Json]) -> None:
    """`destinations` of the site; `networks`: those that take conversions, by name."""
    takes = {str(one["id"]): one for one in destinations if _network(one) in networks}
    key = f"conversion-{st.session_state.setdefault(COUNT, 0)}"
    with st.expander("Tell a network of events", icon=":material/add:", key=f"{key}-form"):
        if not takes:
            st.caption(
                "First connect a conversions API below: kind “API of an ad network”, and there one of "
                + formats.listing([str(one["title"]) for one in networks.values()])
                + "."
            )
            return
        _fields(key, takes, networks)


def _network(destination: Json) -> str:
    return str((destination.get("options") or {}).get("network") or "")


def _fields(key: str, takes: dict[str, Json], networks: dict[str, Json]) -> None:
    names = [str(row["event"]) for row in state.ask(state.api().event_names, state.site_name())]
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        to = st.selectbox("To", list(takes), format_func=lambda id: str(takes[id]["name"]), key=f"{key}-to", width=260)
        name = st.text_input("Name", key=f"{key}-name", max_chars=200, placeholder="Purchases", width=260)
    network = networks[_network(takes[to])]
    if network.get("note"):
        st.caption(formats.plain(str(network["note"]).replace("`", "")))
    rows: list[Json] = st.session_state.setdefault(f"{key}-events", [_row("purchase" if "purchase" in names else "")])
    for row in list(rows):
        _event(f"{key}-event-{row['id']}-{network['name']}", rows, row, names, network)
    if len(rows) < _MOST and st.button("Add an event", icon=":material/add:", type="tertiary", key=f"{key}-add"):
        rows.append(_row(""))
        st.rerun()
    since, every = _times(key, int(network.get("days") or 90))
    property = ""
    with st.expander("Counted once with the network's own pixel"):
        property = st.text_input(
            "Property with the id that your page gives the pixel",
            key=f"{key}-property",
            placeholder="props.event_id",
            help="Left empty, the event's own id is sent.",
        )
    body: Json = {
        "site": state.site_name(),
        "name": name.strip(),
        "destination": to,
        "events": [_spec(row) for row in rows if row["event"]],
        "event_id": property.strip() or "id",
        "every": every or None,
    } | ({"start": since} if since else {})
    if every:
        notice(
            "info", "The first upload begins at once.", "Choose “only by hand” to look at a dry run before anything."
        )
    if st.button("Save", type="primary", key=f"{key}-save", disabled=not (name.strip() and body["events"])):
        _save(body)


def _row(event: str) -> Json:
    return {"id": questions.new_id(), "event": event, "send_as": "", "where": []}


def _event(key: str, rows: list[Json], row: Json, names: list[str], network: Json) -> None:
    with st.container(border=True, key=key, gap="xsmall"):
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
            row["event"] = (
                st.selectbox(
                    "Event",
                    list(dict.fromkeys([*names, *([row["event"]] if row["event"] else [])])),
                    index=None,
                    format_func=formats.event_title,
                    key=keep(f"{key}-name", row["event"] or None),
                    width=240,
                )
                or ""
            )
            row["send_as"] = _send_as(key, row, network)
            if len(rows) > 1 and cross("Remove", f"icon-{key}-x"):
                rows.remove(row)
                st.rerun()
        said = [questions.filter_text(one) for one in row["where"] if questions.filter_ready(one)]
        with st.expander(formats.plain(f"Only where {' and '.join(said)}") if said else "Only where …"):
            filters.editor(key, row["where"], row["event"] or None)


def _send_as(key: str, row: Json, network: Json) -> str:
    """A number of the account where the network wants one, else one of its names or an own."""
    known: dict[str, str] = network.get("names") or {}
    if network.get("numbers"):
        return st.text_input("Number of the conversion there", key=f"{key}-number", placeholder="123456789", width=240)
    usual = known.get(row["event"], "")
    chosen = st.selectbox(
        "Its name there",
        list(dict.fromkeys([*([usual] if usual else []), *known.values()])),
        index=0 if usual else None,
        accept_new_options=True,
        key=f"{key}-as-{row['event']}",
        placeholder="Choose or type",
        width=240,
    )
    return "" if chosen == usual else str(chosen or "")


def _times(key: str, days: int) -> tuple[str, str]:
    """(since when as RFC 3339 or "" for now, how often or "" for by hand)."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        begin = st.selectbox(
            "Events", ["now", "day"], format_func={"now": "from now on", "day": "since a day"}.__getitem__,
            key=f"{key}-begin", width=160,
        )  # fmt: skip
        since = ""
        if begin == "day":
            today = state.today(state.site())
            day: Any = st.date_input("First day", today, max_value=today, key=f"{key}-day", width=160)
            since = datetime.combine(day, time(), state.zone(state.site())).isoformat()
        every = st.selectbox("Sent", list(EVERY), format_func=EVERY.__getitem__, key=f"{key}-every", width=200)
    if since:
        st.caption(f"This network takes events of the last {formats.number(days)} days; older ones are left out.")
    return since, every


def _spec(row: Json) -> Json:
    where = [questions.filter_spec(one) for one in row["where"] if questions.filter_ready(one)]
    return (
        {"event": row["event"]}
        | ({"where": where} if where else {})
        | ({"send_as": row["send_as"].strip()} if row["send_as"].strip() else {})
    )


def _save(body: Json) -> None:
    if done(lambda: state.api().add_conversion(body), "It was not saved."):
        st.session_state[COUNT] += 1
        st.rerun()
