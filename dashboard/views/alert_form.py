"""The fields of an alert: for a new one, and for one that is changed."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from dashboard import alerts, filters, formats, questions, rules, state
from dashboard.client import Json
from dashboard.components import done, guarded

FUNNEL = "\0funnel "
"""Before the id of a saved funnel, among the names of events: no name begins with it."""
OWN = FUNNEL + "own"
WINDOWS = ("1h", "1d", "3d", "7d", "14d", "30d")

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
    alert = alerts.made(_fields(names, alerts.Fields(first, "events", "day", "below", 1.0)))
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        made = st.session_state.setdefault(MADE, 0)
        name = st.text_input("Name", key=f"alert-name-{made}", max_chars=200, placeholder="No purchases", width=320)
        tell = _tell(f"alert-tell-{made}")
        asked = st.button("Create the alert", type="primary", key="alert-create")
    if asked and done(
        lambda: state.api().add_alert(state.site_name(), _named(name, alert), alert, tell), "It was not created."
    ):
        st.session_state[MADE] += 1
        st.rerun()


@guarded
def edit(row: Json) -> None:
    """Change one. What the fields cannot say stays as it is."""
    id, alert = str(row["id"]), row["alert"]
    before = alerts.fields(alert)
    if before is None:
        st.caption("Its rule says more than these fields can; the API changes it.")
    else:
        after = _fields(sorted({before.event, *_event_names()} - {""}), before, f"-{id}")
        if after != before:
            alert = alerts.made(after)
            st.caption("With another figure or limit it begins anew; what it found stays.")
    name = st.text_input("Name", str(row["name"]), key=f"alert-rename-{id}", max_chars=200)
    tell = _tell(f"alert-retell-{id}", str(row.get("destination") or ""))
    body = {"site": state.site_name(), "name": _named(name, alert), "alert": alert, "destination": tell}
    if st.button("Save the alert", type="primary", key=f"alert-save-{id}") and done(
        lambda: state.api().change_alert(id, body), "It was not changed."
    ):
        st.rerun()


def places() -> dict[str, str]:
    """Names of the destinations that can be told of an alert, mail and webhooks, by id."""
    told = state.ask(state.api().schedules, state.site_name())["destinations"]
    return {str(one["id"]): str(one["name"]) for one in told}


def _tell(key: str, now: str = "") -> str:
    """Which destination is told; `now`: the one that is told already."""
    names = {"": "Nobody: it stands on this page", **places()}
    names.setdefault(now, "A destination that is gone")
    return st.selectbox(
        "Tell",
        list(names),
        index=list(names).index(now),
        format_func=names.__getitem__,
        key=key,
        width=260,
        help="E-mail destinations and webhooks, which are connected under Destinations.",
    )


def _event_names() -> list[str]:
    return [str(row["event"]) for row in state.ask(state.api().event_names, state.site_name())]


def _fields(names: list[str], start: alerts.Fields, suffix: str = "") -> alerts.Fields:
    """All of them, as they stand; `suffix` ends their keys."""
    funnels = _funnels(start)
    begin = next((key for key, funnel in funnels.items() if _same(funnel.bare, start.funnel)), start.event)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        event = st.selectbox(
            "Event or funnel",
            [*names, *funnels],
            index=[*names, *funnels].index(begin),
            format_func=lambda key: funnels[key].title if key in funnels else formats.event_title(key),
            key=f"alert-event{suffix}",
            width=240,
        )
        chosen, own = event, funnels[event].where if event in funnels else ()
        funnel = _within(funnels[event].bare, suffix) if event in funnels else None
        if funnel is None:
            measures = alerts.MEASURES
            measure = _choice("Figure", measures, _known(start.measure, measures), f"alert-measure{suffix}", 220)
        else:
            event, measures = "", alerts.FUNNEL_MEASURES
            measure = _choice("Figure", measures, _known(start.measure, measures), f"alert-of-funnel{suffix}", 220)
        interval = _choice("Over", alerts.INTERVALS, start.interval, f"alert-interval{suffix}", 120)
        kind = _choice("Say so when it", alerts.KINDS, start.kind, f"alert-kind{suffix}", 220)
        found = alerts.Fields(event, measure, interval, kind, 0.0, funnel)
        found = found._replace(limit=_limit(found, start, suffix))
    found = found._replace(where=_where(chosen, start.where if chosen == begin else own, funnel is not None, suffix))
    if kind == "anomaly":
        st.caption("Unusual beside the same hour or weekday of the eight weeks before; it takes four weeks of events.")
    if funnel is not None:
        st.caption(
            f"Looked at {formats.window_text(funnel['window'])} after the {interval} has ended, when all who began in "
            "it had the time to finish: the shorter that time, the earlier it says so."
        )
    return found


def _where(chosen: str, start: tuple[Json, ...], of_funnel: bool, suffix: str) -> tuple[Json, ...]:
    """Filters of what is `chosen`; each choice has its own, which begin as `start`."""
    of = suffix or f"-new{st.session_state.get(MADE, 0)}"
    key = f"alert-where{of}-{chosen.removeprefix(FUNNEL)}"
    rows: list[Json] = st.session_state.setdefault(f"{key}-rows", questions.filters_of({"where": list(start)}))
    said = formats.plain(" · ".join(questions.filter_text(row) for row in rows if questions.filter_ready(row)))
    with st.expander(f"Only where {said}" if said else "Only where …", icon=":material/filter_list:"):
        if of_funnel:
            st.caption("Holds for every step of the funnel, beside what the step itself asks for.")
        filters.editor(key, rows, None if of_funnel else chosen)
    return tuple(questions.filter_spec(row) for row in rows if questions.filter_ready(row))


class _Funnel(NamedTuple):
    """One to choose: what it is called, itself without the filters that all its steps have, and these."""

    title: str
    bare: Json
    where: tuple[Json, ...]


def _funnels(start: alerts.Fields) -> dict[str, _Funnel]:
    """Saved funnels, and the one that is watched where it is none of them, by key."""
    saved = state.ask(state.api().funnels, state.site_name())
    found = {
        f"{FUNNEL}{row['id']}": _Funnel(f"Funnel: {row['name']}", *alerts.split(alerts.watched(row["funnel"])))
        for row in saved
    }
    if start.funnel is not None and not any(_same(one.bare, start.funnel) for one in found.values()):
        return {OWN: _Funnel("Funnel: as it was saved", start.funnel, start.where), **found}
    if start.funnel is not None:  # with the window that the alert has
        return {
            key: one._replace(bare=start.funnel) if _same(one.bare, start.funnel) else one for key, one in found.items()
        }
    return found


def _same(one: Json, other: Json | None) -> bool:
    return other is not None and {**one, "window": ""} == {**other, "window": ""}


def _known(name: str, words: dict[str, str]) -> str:
    return name if name in words else next(iter(words))


def _within(funnel: Json, suffix: str) -> Json:
    """The funnel, with as much time to finish it as is chosen."""
    own = str(funnel.get("window") or "14d")
    options = {window: formats.window_text(window) for window in dict.fromkeys([*WINDOWS, own])}
    return {**funnel, "window": _choice("Time to finish", options, own, f"alert-window{suffix}", 140)}


def _choice(label: str, words: dict[str, str], start: str, key: str, width: int) -> str:
    options = list(words)
    return st.selectbox(label, options, index=options.index(start), format_func=words.__getitem__, key=key, width=width)


def _limit(found: alerts.Fields, start: alerts.Fields, suffix: str) -> float:
    same = (found.kind, found.is_share) == (start.kind, start.is_share)
    if found.kind == "anomaly":
        scores = list(alerts.SCORES)
        said = alerts.SCORES.__getitem__
        key = f"alert-score{suffix}"
        first = scores.index(start.limit if start.kind == "anomaly" else 3.5)
        return st.selectbox("How much", scores, index=first, format_func=said, key=key, width=240)
    if found.is_share:
        begin = round(start.limit * 100, 6) if same else 5.0
        key = f"alert-{found.kind}-share{suffix}"
        percent = st.number_input("Per cent", 0.0, 100.0, begin, 0.5, format="%g", key=key, width=140)
        return round(float(percent) / 100, 8)
    begin = start.limit if same else {"below": 1.0, "above": 100.0}[found.kind]
    return float(
        st.number_input("Number", value=begin, step=1.0, format="%g", key=f"alert-{found.kind}{suffix}", width=140)
    )


def _named(name: str, alert: Json) -> str:
    return formats.short(name.strip() or rules.sentence(alerts.summary(alert)), 100)
