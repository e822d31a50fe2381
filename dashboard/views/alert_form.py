"""The fields of an alert: for a new one, and for one that is changed."""

from __future__ import annotations

import streamlit as st

from dashboard import alerts, formats, rules, state
from dashboard.client import Json
from dashboard.components import done, guarded

MADE = "alerts-made"
"""How many this session made: part of the name's key, so that the next one begins without."""


@guarded
def new() -> None:
    """One more."""
    names = _event_names()
    if not names:
        st.caption("There are no events yet: put the snippet on your site first.")
        return
    first = "purchase" if "purchase" in names else names[0]
    alert = alerts.made(*_fields(names, alerts.Fields(first, "events", "day", "below", 1.0)))
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        made = st.session_state.setdefault(MADE, 0)
        name = st.text_input("Name", key=f"alert-name-{made}", max_chars=200, placeholder="No purchases", width=320)
        asked = st.button("Create the alert", type="primary", key="alert-create")
    if asked and done(
        lambda: state.api().add_alert(state.site_name(), _named(name, alert), alert), "It was not created."
    ):
        st.session_state[MADE] += 1
        st.rerun()


@guarded
def edit(row: Json) -> None:
    """Change one. What the fields cannot say, and whom it tells, stays as it is."""
    id, alert = str(row["id"]), row["alert"]
    before = alerts.fields(alert)
    if before is None:
        st.caption("Its rule says more than these fields can; the API changes it.")
    else:
        after = _fields(sorted({before.event, *_event_names()}), before, f"-{id}")
        if after != before:
            alert = alerts.made(*after)
            st.caption("With another figure or limit it begins anew; what it found stays.")
    name = st.text_input("Name", str(row["name"]), key=f"alert-rename-{id}", max_chars=200)
    body = {
        "site": state.site_name(),
        "name": _named(name, alert),
        "alert": alert,
        "destination": str(row.get("destination") or ""),
    }
    if st.button("Save the alert", type="primary", key=f"alert-save-{id}") and done(
        lambda: state.api().change_alert(id, body), "It was not changed."
    ):
        st.rerun()


def _event_names() -> list[str]:
    return [str(row["event"]) for row in state.ask(state.api().event_names, state.site_name())]


def _fields(names: list[str], start: alerts.Fields, suffix: str = "") -> alerts.Fields:
    """The five of them, as they stand; `suffix` ends their keys."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        event = st.selectbox(
            "Event",
            names,
            index=names.index(start.event),
            format_func=formats.event_title,
            key=f"alert-event{suffix}",
            width=200,
        )
        measure = _choice("Figure", alerts.MEASURES, start.measure, f"alert-measure{suffix}", 220)
        interval = _choice("Over", alerts.INTERVALS, start.interval, f"alert-interval{suffix}", 120)
        kind = _choice("Say so when it", alerts.KINDS, start.kind, f"alert-kind{suffix}", 220)
        limit = _limit(kind, start, suffix)
    if kind == "anomaly":
        st.caption("Unusual beside the same hour or weekday of the eight weeks before; it takes four weeks of events.")
    return alerts.Fields(event, measure, interval, kind, limit)


def _choice(label: str, words: dict[str, str], start: str, key: str, width: int) -> str:
    options = list(words)
    return st.selectbox(label, options, index=options.index(start), format_func=words.__getitem__, key=key, width=width)


def _limit(kind: str, start: alerts.Fields, suffix: str) -> float:
    begin = start.limit if kind == start.kind else {"anomaly": 3.5, "below": 1.0, "above": 100.0}[kind]
    if kind == "anomaly":
        scores = list(alerts.SCORES)
        said = alerts.SCORES.__getitem__
        key = f"alert-score{suffix}"
        return st.selectbox("How much", scores, index=scores.index(begin), format_func=said, key=key, width=240)
    return float(st.number_input("Number", value=begin, step=1.0, format="%g", key=f"alert-{kind}{suffix}", width=140))


def _named(name: str, alert: Json) -> str:
    return formats.short(name.strip() or rules.sentence(alerts.summary(alert)), 100)
