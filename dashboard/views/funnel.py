"""Funnel: build it on the left, see it on the right, and below who left it."""

from __future__ import annotations

import streamlit as st

from dashboard import charts, formats, questions, state
from dashboard.charts import Bar
from dashboard.client import Json
from dashboard.components import Column, Figure, chart, empty, figures, guarded, head, legend, notice, section, table
from dashboard.countries import country
from dashboard.views import (
    funnel_builder,
    funnel_compared,
    funnel_people,
    funnel_reasons,
    funnel_saved,
    funnel_times,
    funnel_worth,
)

SHOWN_VALUES = 5


@guarded
def page() -> None:
    """The page."""
    head("Funnel")
    if not state.site():
        empty("No site yet.", "Open Install in the menu and add your site; then build a funnel out of its events.")
        return
    names = [str(row["event"]) for row in state.ask(state.api().event_names, state.site_name())]
    if not names:
        empty(
            "There are no events to build a funnel from yet.",
            "Open Install in the menu and put the snippet on your site. The first page view is here seconds later.",
        )
        return
    left, right = st.columns([1, 2], gap="medium")
    with left:
        draft = funnel_saved.bar(names)
        with st.container(border=True, key="card-builder"):
            funnel_builder.edit(draft, names)
    with right:
        _result(draft)


@guarded
def _result(draft: Json) -> None:
    period = state.period()
    missing = questions.problem(draft)
    if missing:
        empty(missing, "The result appears here as soon as the funnel can be counted.")
        return
    spec = questions.funnel_spec(draft, state.site_name(), period.start, period.end)
    with st.spinner("Counting …"):
        money = questions.money(draft)
        report = state.ask(state.api().funnel, spec | questions.comparison(draft) | money)
    steps = report["steps"]
    if not steps or not any(step["count"] for step in steps):
        empty(
            "Nobody started this funnel in this period.",
            "Choose a longer period in the sidebar, or another first step.",
        )
        return
    who = questions.COUNTED[draft["count_by"]].split(" ")[0].lower()
    _summary(steps, who, draft)
    with st.container(border=True, key="card-funnel"):
        window, order = formats.window_text(draft["window"]), questions.MODES[draft["mode"]].lower()
        about = f"Within {window} of the first step · {order}"
        section("Where people go on, and where they leave", about)
        chart(charts.funnel(bars_of(steps), who), "funnel-chart", _in_words(steps, who))
    with st.container(border=True, key="card-steps"):
        section("Step by step")
        _steps_table(steps, who, draft)
    funnel_worth.show(report, who)
    if draft["breakdown"]:
        _breakdown(report.get("breakdown") or [], draft["breakdown"], report.get("worth"))
    funnel_compared.show(report, draft, who)
    if draft["mode"] == "unordered":
        notice(
            "info",
            "In any order, a step means “so many of the steps”.",
            "Who dropped is shown for funnels with an order.",
        )
    else:
        funnel_people.show(spec, steps, draft, who)
        funnel_reasons.show(spec, steps, who)
    funnel_times.show(spec, steps, who, money)


def bars_of(steps: list[Json]) -> list[Bar]:
    """The report's steps as the chart wants them."""
    bars, lost = [], 0
    for place, step in enumerate(steps):
        from_previous = step["from_previous"] if place else None
        optional = bool(step.get("optional"))
        bars.append(
            Bar(
                str(step["name"]),
                int(step["count"]),
                float(step["from_first"] or 0),
                from_previous,
                optional,
                0 if optional else lost,
            )
        )
        lost = int(step["dropped"]) if not optional else lost
    return bars


def _summary(steps: list[Json], who: str, draft: Json) -> None:
    first, last = steps[0], steps[-1]
    required = [step for step in steps if not step.get("optional")]
    worst = max(required[:-1], key=lambda step: step["dropped"], default=None)
    times = last.get("seconds_from_previous") or {}
    items = [
        Figure("Conversion", formats.percent(last["from_first"]), note="from first to last step"),
        Figure(f"{formats.event_title(who)} who started", formats.number(first["count"])),
        Figure(f"{formats.event_title(who)} who finished", formats.number(last["count"])),
    ]
    if worst and draft["mode"] != "unordered" and worst["dropped"]:
        items.append(
            Figure(
                "Biggest loss",
                formats.number(worst["dropped"]),
                note=f"after “{formats.short(str(worst['name']), 28)}”",
            )
        )
    elif times.get("median") is not None:
        items.append(Figure("Last step takes", formats.duration(times["median"]), note="median"))
    figures(items)


def _in_words(steps: list[Json], who: str) -> str:
    return "; ".join(
        f"{step['name']}: {formats.number(step['count'])} {who}, {formats.percent(step['from_first'])}"
        for step in steps
    )


def _steps_table(steps: list[Json], who: str, draft: Json) -> None:
    titles = (
        formats.event_title(who), "From step before", "From first", "Dropped here", "Median time", "Average time",
    )  # fmt: skip
    columns = [Column("Step", "strong"), *(Column(title, "number") for title in titles)]
    rows = []
    for place, step in enumerate(steps):
        times = step.get("seconds_from_previous") or {}
        final = place == len(steps) - 1
        rows.append(
            [
                f"{place + 1}. {step['name']}" + (" (optional)" if step.get("optional") else ""),
                formats.number(step["count"]),
                formats.percent(step["from_previous"]) if place else formats.NONE,
                formats.percent(step["from_first"]),
                formats.NONE if final else formats.number(step["dropped"]),
                formats.duration(times.get("median")) if place else formats.NONE,
                formats.duration(times.get("average")) if place else formats.NONE,
            ]
        )
    table(columns, rows, "Each step of the funnel with counts, conversion and time since the step before")


def _breakdown(groups: list[Json], by: str, worth: Json | None) -> None:
    with st.container(border=True, key="card-breakdown"):
        section(
            f"By {questions.property_title(by)}",
            f"the {SHOWN_VALUES} largest of {len(groups)}" if len(groups) > SHOWN_VALUES else "",
        )
        largest = sorted((group for group in groups if group["steps"]), key=lambda group: -group["steps"][0]["count"])[
            :SHOWN_VALUES
        ]
        if not largest:
            st.caption("Nobody who started had this property.")
            return
        title = country if by == "country" else str
        named = [(title(str(group["value"])) or "(not known)", group["steps"]) for group in largest]
        legend([(charts.CATEGORIES[place], value) for place, (value, _) in enumerate(named)])
        chart(charts.funnel_by([(value, bars_of(steps)) for value, steps in named]), "funnel-by", f"The funnel by {by}")
        titles = [
            Column(questions.property_title(by).capitalize(), "strong"),
            *(Column(str(step["name"]), "number") for step in named[0][1]),
            Column("Conversion", "number"),
            *(Column(title, "number") for title in ("Value", "Average order") if worth),
        ]
        rows = [
            [
                value,
                *(formats.number(step["count"]) for step in steps),
                formats.percent(steps[-1]["from_first"]),
                *(funnel_worth.of_value(steps, str(worth["currency"])) if worth else ()),
            ]
            for value, steps in named
        ]
        table(titles, rows, f"The funnel by {by}")
