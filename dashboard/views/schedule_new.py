"""The form for one more scheduled report."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, schedules, state
from dashboard.client import Json
from dashboard.components import done, guarded, notice

COUNT = "schedules-made"
"""How many this session made: part of the fields' keys, so that the next one begins without what was typed."""


@guarded
def form(places: list[Json]) -> None:
    """What, which days, when, whom to."""
    if not places:
        notice(
            "info",
            "There is nowhere to send a report to yet.",
            "Open Destinations in the menu and connect an e-mail destination (a mail server and addresses) or a "
            "webhook. It takes an admin's token.",
        )
        return
    made = st.session_state.setdefault(COUNT, 0)
    key = f"schedule-{made}"
    what = _what(key)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        period = st.selectbox(
            "About",
            list(schedules.PERIODS),
            index=1,
            format_func=schedules.PERIODS.__getitem__,
            key=f"{key}-period",
            width=220,
        )
        rhythm = _rhythm(key)
    st.caption(f"Days and hours are those of {state.period().zone.key}, the site's time zone.")
    to = _to(key, places)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        name = st.text_input("Name", key=f"{key}-name", max_chars=200, placeholder="Funnel of the week", width=320)
        asked = st.button("Schedule the report", type="primary", key="schedule-create")
    if not asked or what is None or to is None:
        return
    body = {"site": state.site_name(), "period": period, "rhythm": rhythm, "to": to, **what}
    body["name"] = (
        name.strip() or f"{schedules.REPORTS[str(what['report'])].partition(':')[0]}, {schedules.period(period)}"
    )
    if done(lambda: state.api().add_schedule(body), "It was not scheduled."):
        st.session_state[COUNT] += 1
        st.rerun()


def _what(key: str) -> Json | None:
    """The report with its question; None where something is missing, which the page then says."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        report = st.selectbox(
            "Report",
            list(schedules.REPORTS),
            format_func=schedules.REPORTS.__getitem__,
            key=f"{key}-report",
            width=360,
        )
        some = str(state.segment().get("id", ""))
        question = dict(schedules.QUESTIONS.get(report, {})) | ({"segment": some} if some else {})
        saved = {}
        if report in schedules.OF_FUNNEL:
            saved = {str(row["id"]): str(row["name"]) for row in state.api().funnels(state.site_name())}
            if saved:
                funnel = st.selectbox(
                    "Saved funnel", list(saved), format_func=saved.__getitem__, key=f"{key}-funnel", width=260
                )
        elif report == "timeseries":
            question |= _figure(key)
    if report not in schedules.OF_FUNNEL:
        return {"report": report, "question": question}
    if not saved:
        notice("info", "No funnel is saved yet.", "Open Funnel in the menu, choose its steps and save it.")
        return None
    return {"report": report, "question": question, "funnel": funnel}


def _figure(key: str) -> Json:
    names = [str(row["event"]) for row in state.ask(state.api().event_names, state.site_name())] or ["page_view"]
    first = names.index("purchase") if "purchase" in names else 0
    event = st.selectbox("Event", names, index=first, format_func=formats.event_title, key=f"{key}-event", width=200)
    measures = schedules.MEASURES
    measure = st.selectbox("Figure", list(measures), format_func=measures.__getitem__, key=f"{key}-measure", width=220)
    return {"event": {"event": event}, "measure": measure}


def _rhythm(key: str) -> Json:
    every = st.selectbox(
        "Sent", list(schedules.EVERY), index=1, format_func=schedules.EVERY.__getitem__, key=f"{key}-every", width=140
    )
    weekday, day = schedules.WEEKDAYS[0], 1
    if every == "week":
        weekday = st.selectbox(
            "On", list(schedules.WEEKDAYS), format_func=str.capitalize, key=f"{key}-weekday", width=150
        )
    elif every == "month":
        day = int(
            st.number_input(
                "On day", 1, 31, 1, key=f"{key}-day", width=120, help="A day that a month does not have is its last."
            )
        )
    hour = st.selectbox("At", list(range(24)), index=8, format_func="{:02}:00".format, key=f"{key}-hour", width=110)
    return schedules.rhythm(every, weekday, day, hour)


def _to(key: str, places: list[Json]) -> list[Json] | None:
    """Destinations, and addresses in place of those of the mail destinations; None where something is missing."""
    names = {str(one["id"]): str(one["name"]) for one in places}
    mails = {str(one["id"]) for one in places if one["kind"] == "email"}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        chosen = st.multiselect(
            "To",
            list(names),
            default=[*sorted(mails), *names][:1],
            format_func=names.__getitem__,
            key=f"{key}-to",
            width=320,
        )
        typed = ""
        if mails & set(chosen):
            typed = st.text_input(
                "Addresses, in place of the destination's own",
                key=f"{key}-addresses",
                placeholder="team@shop.example, boss@shop.example",
                width=420,
            )
    good, bad = schedules.addresses(typed)
    if bad:
        notice("bad", "This is no mail address.", formats.short(bad[0]))
        return None
    if not chosen:
        notice("info", "Choose whom it goes to.")
        return None
    return [{"destination": id} | ({"addresses": good} if good and id in mails else {}) for id in chosen]
