"""Alerts: figures that are watched, what they found, one more, one less."""

from __future__ import annotations

import streamlit as st

from dashboard import alerts, formats, rules, state
from dashboard.client import ApiAway, ApiError, Json, SignedOut
from dashboard.components import Column, empty, guarded, head, notice, section, table

FIRINGS = 50
MADE = "alerts-made"
"""How many this session made: part of the name's key, so that the next one begins without."""


@guarded
def page() -> None:
    """The page."""
    if not state.site():
        head("Alerts")
        empty("No site yet.", "Open Install in the menu and add your site; alerts watch its figures.")
        return
    head("Alerts", f"{state.site_name()} · figures that are watched for you")
    rows = state.api().alerts(state.site_name())
    fired = state.api().firings(state.site_name(), FIRINGS)
    if rows:
        _list(rows, fired)
    else:
        empty(
            "Nothing is watched yet.",
            "An alert looks at a figure after every hour or day and notes when it goes beyond a limit, or is unusual "
            "for that weekday and hour: no purchases since the last release, twice as many errors, a campaign "
            "that took off.",
        )
    with st.container(border=True, key="card-alert-new"):
        section("New alert")
        _form()
    if rows:
        with st.container(border=True, key="card-firings"):
            section("What they found", "the newest first")
            _firings(fired)


def _list(rows: list[Json], fired: list[Json]) -> None:
    newest: dict[str, Json] = {}
    for one in fired:
        newest.setdefault(str(one["alert"]), one)
    for row in rows:
        id = str(row["id"])
        with (
            st.container(border=True, key=f"card-alert-{id}"),
            st.container(horizontal=True, vertical_alignment="center", gap="medium"),
        ):
            with st.container(gap=None, width="stretch"):
                section(str(row["name"]), rules.sentence(alerts.summary(row["alert"])))
                last = newest.get(id)
                if last:
                    st.caption(formats.plain(f"Last: {_then(last)}, {alerts.fired(last)}"))
                else:
                    st.caption("It found nothing yet." if row.get("looked_at") else "It has not looked yet.")
            with st.popover("Delete", icon=":material/delete:", type="tertiary", key=f"alert-away-{id}"):
                _delete(id)


@guarded
def _delete(id: str) -> None:
    notice("warn", "What it found goes with it.")
    if st.button("Delete the alert", key=f"alert-delete-{id}"):
        state.api().delete_alert(id)
        st.rerun()


def _firings(fired: list[Json]) -> None:
    if not fired:
        st.caption("Nothing yet. Ten minutes after an hour or a day has ended it is looked at.")
        return
    columns = [Column("Alert", "strong"), Column("When", "when"), Column("Figure"), Column("Sent on")]
    lines: list[list[object]] = [
        [one["name"], _then(one), alerts.fired(one), "Yes" if one.get("told") else "No"] for one in fired
    ]
    table(columns, lines, "What alerts found, the newest first")


def _then(one: Json) -> str:
    then = formats.moment(str(one["start"]))
    return formats.when(then.astimezone(state.period().zone) if then else None)


@guarded
def _form() -> None:
    names = [str(row["event"]) for row in state.ask(state.api().event_names, state.site_name())]
    if not names:
        st.caption("There are no events yet: put the snippet on your site first.")
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        event = st.selectbox(
            "Event",
            names,
            index=names.index("purchase") if "purchase" in names else 0,
            format_func=formats.event_title,
            key="alert-event",
            width=200,
        )
        measure = st.selectbox(
            "Figure", list(alerts.MEASURES), format_func=alerts.MEASURES.__getitem__, key="alert-measure", width=220
        )
        interval = st.selectbox(
            "Over", list(alerts.INTERVALS), format_func=alerts.INTERVALS.__getitem__, key="alert-interval", width=120
        )
        kind = st.selectbox(
            "Say so when it", list(alerts.KINDS), format_func=alerts.KINDS.__getitem__, key="alert-kind", width=220
        )
        limit = _limit(kind)
    alert = alerts.made(event, measure, interval, kind, limit)
    if kind == "anomaly":
        st.caption("Unusual beside the same hour or weekday of the eight weeks before; it takes four weeks of events.")
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        made = st.session_state.setdefault(MADE, 0)
        name = st.text_input("Name", key=f"alert-name-{made}", max_chars=200, placeholder="No purchases", width=320)
        asked = st.button("Create the alert", type="primary", key="alert-create")
    if asked:
        _create(name.strip() or rules.sentence(alerts.summary(alert)), alert)


def _limit(kind: str) -> float:
    if kind == "anomaly":
        scores = list(alerts.SCORES)
        return st.selectbox(
            "How much", scores, index=1, format_func=alerts.SCORES.__getitem__, key="alert-score", width=240
        )
    begin = 1.0 if kind == "below" else 100.0
    return float(st.number_input("Number", value=begin, step=1.0, format="%g", key=f"alert-{kind}", width=140))


def _create(name: str, alert: Json) -> None:
    try:
        state.api().add_alert(state.site_name(), formats.short(name, 100), alert)
    except (ApiAway, SignedOut):
        raise
    except ApiError as refusal:
        notice("bad", "It was not created.", refusal.sentence)
    else:
        st.session_state[MADE] += 1
        st.rerun()
