"""Scheduled reports: what is sent when and whom to, how the last one ended, one more, one less, one now."""

from __future__ import annotations

import time
from datetime import tzinfo

import streamlit as st

from dashboard import formats, rules, schedules, state
from dashboard.client import Json
from dashboard.components import Column, done, empty, guarded, head, notice, section, table
from dashboard.views import schedule_new

PATIENCE = 20.0
"""Seconds that the page waits for a report that is to be sent now."""


@guarded
def page() -> None:
    """The page."""
    if not state.site():
        head("Scheduled reports")
        empty("No site yet.", "Open Install in the menu and add your site; its reports are sent from here.")
        return
    head("Scheduled reports", f"{state.site_name()} · reports that come to you, by mail or to a webhook")
    said = state.api().schedules(state.site_name())
    rows, places = said["schedules"], said["destinations"]
    names = {str(one["id"]): str(one["name"]) for one in places}
    if not rows:
        empty(
            "No report is sent yet.",
            "Choose a report, the days it covers and when it is sent: the funnel of the last seven days on Monday at "
            "eight, yesterday's figures every morning. It comes as a plain mail with the table attached, or as signed "
            "JSON to a webhook.",
        )
    for row in rows:
        _card(row, names)
    with st.container(border=True, key="card-schedule-new"):
        section("New scheduled report", _about())
        schedule_new.form(places)


def _about() -> str:
    some = str(state.segment().get("name", ""))
    return f"About the people of “{some}” alone, who are chosen in the sidebar." if some else ""


def _card(row: Json, names: dict[str, str]) -> None:
    id, zone = str(row["id"]), state.period().zone
    with st.container(border=True, key=f"card-schedule-{id}"):
        section(str(row["name"]), rules.sentence(schedules.summary(row, names)))
        last = schedules.ended(row.get("last"), zone)
        notice(last.kind, last.text, rules.sentence(last.detail) if last.detail else "")
        following = formats.when(formats.moment(row.get("next"), zone))
        st.caption("Paused: nothing is sent." if row["paused"] else f"Next: {following}")
        with st.container(horizontal=True, gap="small"):
            now = st.button("Send now", icon=":material/send:", key=f"schedule-now-{id}")
            word, icon = ("Resume", ":material/play_arrow:") if row["paused"] else ("Pause", ":material/pause:")
            turned = st.button(word, icon=icon, type="tertiary", key=f"schedule-pause-{id}")
            with st.popover("History", icon=":material/history:", type="tertiary", key=f"schedule-runs-{id}"):
                _runs(id, zone)
            with st.popover("Delete", icon=":material/delete:", type="tertiary", key=f"schedule-away-{id}"):
                _delete(id)
        if now:
            _send(id)
        if turned and done(lambda: _turned(row), "It was not changed."):
            st.rerun()


def _turned(row: Json) -> Json:
    names = ("site", "name", "report", "question", "funnel", "period", "rhythm", "to")
    return state.api().change_schedule(
        str(row["id"]), {name: row[name] for name in names} | {"paused": not row["paused"]}
    )


def _send(id: str) -> None:
    started: Json = {}

    def start() -> Json:
        started.update(state.api().run_schedule(id))
        return started

    with st.spinner("Making and sending …"):
        if not done(start, "It is not sent now."):
            return
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            run = next((one for one in state.api().schedule_runs(id) if one["id"] == started["id"]), started)
            if run["state"] in ("done", "failed") or run.get("next_try"):
                break
            time.sleep(0.3)
    st.rerun()


@guarded
def _runs(id: str, zone: tzinfo) -> None:
    runs = state.api().schedule_runs(id)
    if not runs:
        st.caption("It was not sent yet.")
        return
    columns = [Column("For", "when"), Column("Days"), Column("How it ended")]
    lines: list[list[object]] = []
    for run in runs:
        last = schedules.ended(run, zone)
        first, end = (formats.moment(run.get(name), zone) for name in ("from", "to"))
        covered = formats.days(first.date(), schedules.last_day(end)) if first and end else ""
        then = formats.when(formats.moment(str(run["at"]), zone))
        said = last.text.replace(f" for {then}", "")  # it stands in the first column
        lines.append([then, covered, formats.short(f"{said} {last.detail}".strip(), 160)])
    table(columns, lines, "Runs, the newest first")


@guarded
def _delete(id: str) -> None:
    notice("warn", "Its history goes with it.")
    if st.button("Delete the scheduled report", key=f"schedule-delete-{id}"):
        state.api().delete_schedule(id)
        st.rerun()
