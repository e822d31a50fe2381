"""How the stored members of an audience are: as of when, what failed, how many over time, who entered and left."""

from __future__ import annotations

import streamlit as st

from dashboard import charts, formats, notes, rules, sizes, state
from dashboard.client import Json
from dashboard.components import Column, Figure, figures, guarded, notice, table

SHOWN = 8
FEW_DAYS = 6


@guarded
def panel(audience: Json) -> None:
    """The panel; `audience` as the API shows it."""
    membership = audience.get("membership")
    if not membership or membership["state"] == "waiting":
        notice("wait", "It is counted for the first time.", "That takes a moment; open the page again.")
        return
    if membership["state"] == "failing":
        _failing(membership)
    _figures(audience, membership)
    period = state.period()
    rows = state.ask(state.api().history, str(audience["id"]), period.start, period.end)
    if not rows:
        st.caption(formats.plain(f"Its size did not change from {period.text}."))
        return
    _chart(rows, int(membership["members"]))
    _moves(rows)


def _failing(membership: Json) -> None:
    times = int(membership["failures"])
    often = "once" if times == 1 else f"{formats.number(times)} times in a row"
    since = formats.ago(formats.moment(membership["failed_at"]), state.now())
    error = membership["error"] or {}
    said = rules.sentence(str(error.get("message") or "the reason is in the log of the service")).rstrip(".")
    notice(
        "bad",
        f"Refreshing failed {often}, last {since}.",
        f"{said}. The members stay as they were, and it is tried again by itself.",
    )


def _figures(audience: Json, membership: Json) -> None:
    then = formats.moment(membership["as_of"])
    every = formats.window_text(str(audience.get("refresh") or ""))
    figures(
        [
            Figure("Last refreshed", formats.ago(then, state.now()), note=f"looked at every {every}" if every else ""),
            Figure("Members then", sizes.told(membership["members"])),
            Figure("Of them exportable", sizes.told(membership["exportable"])),
            Figure(
                "Checked anew",
                formats.number(membership["judged"]),
                note=f"people, in {formats.duration(membership['took_ms'] / 1000)}",
            ),
        ]
    )


def _chart(rows: list[Json], members: int) -> None:
    days, values = sizes.by_day(rows, state.period(), state.today(state.site()).isoformat())
    known = [(day, value) for day, value in zip(days, values, strict=True) if value is not None]
    if len(known) < 2:
        return  # one point is no course
    figure = charts.over_time([day for day, _ in known], [value for _, value in known], "members")
    if len(known) < FEW_DAYS:
        figure.update_xaxes(tickvals=[day for day, _ in known])  # else a day is written twice
    first, last = known[0], known[-1]
    said = f"Members by day: {formats.number(first[1])} on {first[0]}, {formats.number(last[1])} on {last[0]}"
    notes.dated(figure, "audience-sizes", f"{said}, {sizes.told(members)} now")


def _moves(rows: list[Json]) -> None:
    zone = state.period().zone
    lines: list[list[object]] = []
    for row in sizes.latest(rows, SHOWN):
        then = formats.moment(str(row["at"]))
        lines.append(
            [
                formats.when(then.astimezone(zone) if then else None),
                f"+{formats.few(row['entered'])}" if row["entered"] != 0 else formats.NONE,
                f"−{formats.few(row['gone'])}" if row["gone"] != 0 else formats.NONE,
                formats.few(row["members"]),
                formats.few(row["exportable"]),
            ]
        )
    if not lines:
        return
    columns = [
        Column("Refreshed", "strong"),
        Column("Entered", "number"),
        Column("Left", "number"),
        Column("Members", "number"),
        Column("Exportable", "number"),
    ]
    table(columns, lines, "The latest refreshes in which somebody entered or left")
