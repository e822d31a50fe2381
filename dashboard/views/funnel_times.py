"""Below a funnel: how its conversion moved, and how long people take from one step to another."""

from __future__ import annotations

import itertools
from datetime import date

import streamlit as st

from dashboard import charts, charts_periods, cohorts, formats, notes, state
from dashboard.client import Json
from dashboard.components import bars, guarded, section


def show(spec: Json, steps: list[Json], who: str, money: Json) -> None:
    """Both cards, for a funnel somebody started; its breakdown is left out. `money`: what asks for its worth, or {}."""
    whole = {key: value for key, value in spec.items() if key != "breakdown"}
    _trend(whole, len(steps), money)
    _time(whole, steps, who)


@guarded
def _trend(spec: Json, steps: int, money: Json) -> None:
    period = state.period()
    interval = "day" if period.days <= 31 and period.days > 1 else cohorts.fitting(period.days)
    with st.spinner(f"Counting {interval} by {interval} …"):
        report = state.ask(state.api().funnel_trend, spec | money | {"interval": interval, "timezone": period.zone.key})
    series: list[Json] = report["series"]
    begun = [point for point in series if point["entered"]]
    with st.container(border=True, key="card-trend"):
        best = max(begun, key=lambda point: point["conversion"], default=None)
        about = "" if best is None else f" · best {_when(best, interval)}: {formats.percent(best['conversion'])}"
        section("Conversion over time", f"from the first step to the last, by the {interval} people began in{about}")
        if len(series) < 2:
            st.caption("There is one day only. Choose a longer period in the sidebar.")
            return
        shares = [point["conversion"] if point["entered"] else None for point in series]
        days = [str(point["start"])[:10] for point in series]
        figure = charts_periods.conversion(
            days,
            shares,
            last_is_open=period.last >= state.today(state.site()),
        )
        charts.whole_days(figure, days)
        notes.dated(figure, "funnel-trend", f"Conversion by {interval} over {steps} steps{about}")
        if "worth" in report:
            _value(series, str(report["worth"]["currency"]), interval)
        st.caption("Who began lately may still go on, so the last points rise with time.")


def _value(series: list[Json], currency: str, interval: str) -> None:
    """What those who began in each interval brought."""
    values = [float(point["steps"][-1]["worth"]["value"]) if point["steps"] else 0.0 for point in series]
    days = [str(point["start"])[:10] for point in series]
    section("What they brought", f"their purchases, by the {interval} people began in; who began in several is in each")
    figure = charts.bars_over_time(
        days,
        values,
        currency,
        last_is_open=state.period().last >= state.today(state.site()),
    )
    charts.whole_days(figure, days)
    notes.dated(figure, "funnel-value-trend", f"Value of purchases by the {interval} people began in")


def _when(point: Json, interval: str) -> str:
    start = date.fromisoformat(str(point["start"])[:10])
    if interval == "month":
        return f"in {start:%b %Y}"
    return f"{'in the week of' if interval == 'week' else 'on'} {start.day} {start:%b}"


@guarded
def _time(spec: Json, steps: list[Json], who: str) -> None:
    names = {place: f"{place}. {step['name']}" for place, step in enumerate(steps, 1)}
    with st.container(border=True, key="card-time"):
        section("Time to convert", f"how long those {who} took who reached both steps")
        with st.container(horizontal=True, gap="small"):
            first = st.selectbox("From", list(names)[:-1], format_func=names.__getitem__, key="time-from", width=260)
            later = [place for place in names if place > first]
            last = st.selectbox(
                "To", later, index=len(later) - 1, format_func=names.__getitem__, key=f"time-to-{first}", width=260
            )
        report = state.ask(state.api().funnel_time, spec | {"from_step": first, "to_step": last})
        if not report["count"]:
            st.caption("Nobody reached both steps in this period.")
            return
        count, median = formats.number(report["count"]), formats.duration(report["seconds"]["median"])
        average = formats.duration(report["seconds"]["average"])
        st.caption(f"{count} {who}, half of them within {median}; {average} on average")
        rows = itertools.dropwhile(lambda row: not row["count"], report["bins"])
        lines = [(_bin(row), row["count"], formats.number(row["count"])) for row in rows]
        bars(lines, ("Time", who.capitalize()), "")


def _bin(row: Json) -> str:
    """`Under 1 min`, `1 min to 2 min`, `1 d or more`."""
    if row["to"] is None:
        return f"{formats.duration(row['from'])} or more"
    if not row["from"]:
        return f"Under {formats.duration(row['to'])}"
    return f"{formats.duration(row['from'])} to {formats.duration(row['to'])}"
