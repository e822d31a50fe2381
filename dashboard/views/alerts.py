"""Alerts: figures that are watched, what they found, one more, one less, another limit."""

from __future__ import annotations

import streamlit as st

from dashboard import alerts, formats, rules, state
from dashboard.client import Json
from dashboard.components import Column, empty, guarded, head, notice, section, table
from dashboard.views import alert_form

FIRINGS = 50


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
        alert_form.new()
    if rows:
        with st.container(border=True, key="card-firings"):
            section("What they found", "the newest first")
            _firings(fired, {str(row["id"]): row["alert"] for row in rows})


def _list(rows: list[Json], fired: list[Json]) -> None:
    newest: dict[str, Json] = {}
    places = alert_form.places()
    for one in fired:
        newest.setdefault(str(one["alert"]), one)
    for row in rows:
        id = str(row["id"])
        with (
            st.container(border=True, key=f"card-alert-{id}"),
            st.container(horizontal=True, vertical_alignment="center", gap="medium"),
        ):
            with st.container(gap=None, width="stretch", key=f"alert-said-{id}"):
                said = rules.sentence(alerts.summary(row["alert"]))
                section(str(row["name"]), "" if row["name"] == formats.short(said, 100) else said)
                told = places.get(str(row.get("destination") or ""))
                last = newest.get(id)
                if last:
                    found = f"Last: {_then(last)}, {alerts.fired(last, row['alert'])}"
                else:
                    found = "It found nothing yet." if row.get("looked_at") else "It has not looked yet."
                st.caption(formats.plain(f"{found} · tells {told}" if told else found))
            with st.popover("Edit", icon=":material/edit:", type="tertiary", key=f"alert-open-{id}"):
                alert_form.edit(row)
            with st.popover("Delete", icon=":material/delete:", type="tertiary", key=f"alert-away-{id}"):
                _delete(id)


@guarded
def _delete(id: str) -> None:
    notice("warn", "What it found goes with it.")
    if st.button("Delete the alert", key=f"alert-delete-{id}"):
        state.api().delete_alert(id)
        st.rerun()


def _firings(fired: list[Json], known: dict[str, Json]) -> None:
    if not fired:
        st.caption(
            "Nothing yet. Ten minutes after an hour or a day has ended it is looked at; a funnel's when the time to "
            "finish it is over as well."
        )
        return
    columns = [Column("Alert", "strong"), Column("When", "when"), Column("Figure"), Column("Sent on")]
    lines: list[list[object]] = [
        [
            one["name"],
            _then(one),
            alerts.fired(one, known.get(str(one["alert"]), {})),
            "Yes" if one.get("told") else "No",
        ]
        for one in fired
    ]
    table(columns, lines, "What alerts found, the newest first")


def _then(one: Json) -> str:
    then = formats.moment(str(one["start"]))
    return formats.when(then.astimezone(state.period().zone) if then else None)
