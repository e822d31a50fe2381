"""Retention: who came back after they began, by property; who is new, stays, returns, falls silent; stickiness."""

from __future__ import annotations

import streamlit as st

from dashboard import charts_periods, cohorts, formats, notes, state
from dashboard.client import Json
from dashboard.components import empty, guarded, head, legend, section, triangle
from dashboard.views import retention_parts

KINDS = {"first_time": "Did it for the first time", "recurring": "Did it in the period"}
ROLLING = {False: "By the calendar", True: "Since each one's own start"}

LEGEND = {
    "new": "New: the first time ever",
    "returning": "Returning: there in the period before, too",
    "resurrecting": "Resurrecting: back after a pause",
    "dormant": "Dormant: there in the period before, not in this one",
}


@guarded
def page() -> None:
    """The page."""
    head("Retention")
    if not state.site():
        empty("No site yet.", "Open Install in the menu and add your site; this page shows who comes back to it.")
        return
    names = [str(row["event"]) for row in state.ask(state.api().event_names, state.site_name())]
    if not names:
        empty(
            "There is nobody who could come back yet.",
            "Open Install in the menu and put the snippet on your site. Give it some days, and see who returns.",
        )
        return
    asked = _choice(["*", *names])
    _retention(asked)
    retention_parts.by_property(asked)
    _lifecycle(asked)
    retention_parts.stickiness(asked)


def _choice(names: list[str]) -> Json:
    period = state.period()
    fit = cohorts.fitting(period.days)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        length = st.selectbox(
            "By",
            list(cohorts.PERIODS),
            index=list(cohorts.PERIODS).index(fit),
            format_func=cohorts.PERIODS.__getitem__,
            key=f"retention-period-{fit}",
            width=130,
        )
        start = st.selectbox("Began with", names, format_func=formats.event_title, key="retention-start", width=200)
        kind = st.selectbox(
            "Counted if they", list(KINDS), format_func=KINDS.__getitem__, key="retention-kind", width=240
        )
        back = st.selectbox("Came back with", names, format_func=formats.event_title, key="retention-back", width=200)
        rolling = st.selectbox(
            "Periods", list(ROLLING), format_func=ROLLING.__getitem__, key="retention-rolling", width=240
        )
    spec: Json = {"site": state.site_name(), "from": period.start, "to": period.end, "timezone": period.zone.key}
    return spec | {
        "period": length,
        "start": {"event": start},
        "return": {"event": back},
        "kind": kind,
        "rolling": rolling,
    }


@guarded
def _retention(asked: Json) -> None:
    with st.spinner("Counting …"):
        rows: list[Json] = state.ask(state.api().retention, asked)["cohorts"]
    if not any(row["size"] for row in rows):
        empty(
            "Nobody began in this period.",
            "Choose a longer period in the sidebar, another event to begin with, or count everyone who did it in the "
            "period instead of first timers only.",
        )
        return
    length = str(asked["period"])
    shown = rows[-cohorts.MOST :]
    columns = min(max(len(row["returned"]) for row in shown) - 1, cohorts.MOST)
    with st.container(border=True, key="card-retention"):
        section("Who came back", _about(asked, len(rows)))
        if columns < 1:
            st.caption(f"There is one {length} only. Choose a longer period in the sidebar, or shorter cohorts.")
        titles = ["Began", "People", *(f"{cohorts.PERIODS[length]} {column}" for column in range(1, columns + 1))]
        everybody = sum(row["size"] for row in shown)
        all_of_them = "All" if asked["kind"] == "first_time" else "Together"
        last_is_open = state.period().last >= state.today(state.site())
        overall = cohorts.together(shown, columns, last_is_open=last_is_open)
        table = [(all_of_them, formats.number(everybody), overall)]
        table += [
            (cohorts.title(str(row["start"]), length), formats.number(row["size"]), cohorts.shares(row, columns))
            for row in shown
        ]
        triangle(titles, table, "Share of each cohort that came back, period by period")
        st.caption(
            f"The last figure of a row is of a {length} that may not be over"
            + (", or not for everyone" if asked["rolling"] else "")
            + (", and is left out of the first row." if last_is_open else ".")
            + " The deeper the colour, the more came back."
        )


def _about(asked: Json, count: int) -> str:
    length = str(asked["period"])
    began = "began in" if asked["kind"] == "first_time" else "were there in"
    cut = f" · the latest {cohorts.MOST} of {count}" if count > cohorts.MOST else ""
    return f"A row: people who {began} one {length}. A column: the share that was there so many {length}s later{cut}"


@guarded
def _lifecycle(asked: Json) -> None:
    spec = {key: asked[key] for key in ("site", "from", "to", "timezone", "period")} | {"event": asked["return"]}
    periods: list[Json] = state.ask(state.api().lifecycle, spec)["periods"]
    with st.container(border=True, key="card-lifecycle"):
        what = formats.event_title(str(asked["return"]["event"])).lower()
        section("Lifecycle", f"people per {asked['period']} by “{what}”: who came, above; who stayed away, below")
        if not any(row[name] for row in periods for name in charts_periods.STATES):
            st.caption("Nobody did this in the period. Choose another event to come back with, or a longer period.")
            return
        legend([(colour, LEGEND[name]) for name, colour in charts_periods.STATES.items()])
        last = periods[-1]
        alt = ", ".join(f"{formats.number(last[name])} {name}" for name in charts_periods.STATES)
        notes.dated(
            charts_periods.lifecycle(periods), "lifecycle", f"People by lifecycle; in the last {asked['period']} {alt}"
        )
        st.caption(f"The last {asked['period']} may not be over: who is dormant in it may still come.")
