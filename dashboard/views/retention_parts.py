"""Below a retention table: the same by a property of the start, and how sticky the period was."""

from __future__ import annotations

import streamlit as st

from dashboard import charts_periods, cohorts, filters, formats, notes, questions, state
from dashboard.client import Json
from dashboard.components import Column, Figure, bars, figures, guarded, section, table
from dashboard.countries import country

VALUES = 10
COLUMNS = 8
STICKY = {
    "day-month": ("Days of a month", "DAU / MAU"),
    "day-week": ("Days of a week", "DAU / WAU"),
    "week-month": ("Weeks of a month", "WAU / MAU"),
}


@guarded
def by_property(asked: Json) -> None:
    """Retention of all cohorts together, a row a value of a property of the event people began with."""
    with st.container(border=True, key="card-retention-by"):
        section("Who comes back more", "all cohorts together, by a property of what people began with")
        chosen = st.selectbox(
            "By",
            list(filters.known_values(None)),
            index=None,
            format_func=questions.property_title,
            placeholder="Choose a property, like country or channel",
            key="retention-by",
            width=320,
        )
        if not chosen:
            return
        report = state.ask(state.api().retention, asked | {"breakdown": {"property": chosen}})
        parts = [part for part in report["breakdown"] if any(row["size"] for row in part["cohorts"])]
        if not parts:
            st.caption("Nobody began in this period.")
            return
        last_is_open = state.period().last >= state.today(state.site())
        columns = min(max(len(row["returned"]) for row in parts[0]["cohorts"]) - 1, COLUMNS)
        length = cohorts.PERIODS[str(asked["period"])]
        titles = [
            Column(questions.property_title(chosen).capitalize(), "strong"),
            Column("People", "number"),
            *(Column(f"{length} {column}", "number") for column in range(1, columns + 1)),
        ]
        rows = [
            [
                (country(part["value"]) if chosen == "country" else formats.short(part["value"], 48)) or "(not known)",
                formats.number(sum(row["size"] for row in part["cohorts"])),
                *map(formats.percent, cohorts.together(part["cohorts"], columns, last_is_open=last_is_open)),
            ]
            for part in parts[:VALUES]
        ]
        table(titles, rows, f"Share that came back, by {questions.property_title(chosen)}")
        if len(parts) > VALUES:
            st.caption(f"The {VALUES} largest of {len(parts)}.")


@guarded
def stickiness(asked: Json) -> None:
    """On how many days of a week or month people are active."""
    with st.container(border=True, key="card-stickiness"):
        what = formats.event_title(str(asked["return"]["event"])).lower()
        section("Stickiness", f"of the people of a period, on how many of its days they were active, by “{what}”")
        choices = st.container(horizontal=True, gap="small")
        kind = choices.selectbox(
            "Count", list(STICKY), format_func=lambda one: STICKY[one][0], key="stickiness-kind", width=220
        )
        unit, period = kind.split("-")
        spec = {key: asked[key] for key in ("site", "from", "to", "timezone")}
        found: list[Json] = state.ask(
            state.api().stickiness, spec | {"period": period, "unit": unit, "event": asked["return"]}
        )["periods"]
        begun = state.period().first.isoformat()
        found = [row for row in found if row["start"] >= begun] or found  # what began before is only partly in the days
        there = [row for row in found if row["people"]]
        if not there:
            st.caption("Nobody did this in the period. Choose another event to come back with, or a longer period.")
            return
        names = {row["start"]: cohorts.title(row["start"], period) for row in reversed(there)}
        start = choices.selectbox(
            period.capitalize(), list(names), format_func=names.__getitem__, key=f"stickiness-of-{kind}", width=220
        )
        row = next(one for one in there if one["start"] == start)
        figures(
            [
                Figure(
                    STICKY[kind][1],
                    formats.percent(row["ratio"]),
                    note=f"a {unit}'s people of the {period}'s, over {row['units']} {unit}s",
                ),
                Figure(f"People a {unit}", formats.number(round(row["per_unit"])), note="on average"),
                Figure(f"People in the {period}", formats.number(row["people"])),
                Figure(f"{unit.capitalize()}s a person", f"{row['average']:.1f}", note="on average"),
            ]
        )
        last = max(number for number, people in enumerate(row["active"], 1) if people)
        lines = [
            (
                f"{number} {unit}{'' if number == 1 else 's'}",
                people,
                f"{formats.number(people)} · {formats.percent(people / row['people'])}",
            )
            for number, people in enumerate(row["active"][:last], 1)
        ]
        bars(lines, ("Active on", "People"), "")
        if len(there) > 1:
            figure = charts_periods.conversion([one["start"] for one in found], [one["ratio"] for one in found])
            notes.dated(figure, "stickiness", f"{STICKY[kind][1]} by {period}")
        st.caption(f"A {period} that is not over, or only partly in the chosen days, counts over the {unit}s that are.")
