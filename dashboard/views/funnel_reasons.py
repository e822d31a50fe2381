"""Below a funnel: why people dropped at a step, beside those who went on."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, questions, state
from dashboard.client import Json
from dashboard.components import Column, guarded, section, table
from dashboard.countries import country

SURE = 0.05
"""Rows with a corrected chance up to this are kept: about one in twenty of them is wrong."""
MOST = 8
LISTS = {
    "properties": ("Who they are", "what a larger share of them has than of those who went on"),
    "next_events": ("What they did next", "the first event after the step"),
    "next_pages": ("Where they went next", "the first page after the step"),
    "exit_pages": ("Where they left", "the last page before the time was over"),
    "errors": ("Errors they met", "after the step"),
    "slow_pages": ("Slow pages they met", "after the step, rated poor"),
    "answers": ("What they answered", "scores in surveys after the step"),
    "feedback": ("What they wrote about", "ratings of feedback after the step"),
}
NUMBERS = ("Of all who dropped", "Of all who went on", "Lift", "By chance")


@guarded
def show(spec: Json, steps: list[Json], who: str) -> None:
    """The card, for a funnel with an order in which somebody dropped."""
    lost = [step for step in steps[:-1] if step["dropped"]]
    if not lost:
        return
    whole = {key: value for key, value in spec.items() if key != "breakdown"}
    with st.container(border=True, key="card-reasons"):
        section("Why they dropped", "what sets those who dropped apart from those who went on")
        names = {step["step"]: f"{step['step']}. {step['name']}" for step in lost}
        worst = max(lost, key=lambda step: step["dropped"])
        at = st.selectbox(
            "Dropped at",
            list(names),
            index=list(names).index(worst["step"]),
            format_func=names.__getitem__,
            key="reasons-step",
            width=320,
        )
        with st.spinner("Comparing …"):
            found = state.ask(state.api().funnel_reasons, whole | {"step": at, "limit": 200})
        dropped, went_on = formats.number(found["dropped"]), formats.number(found["went_on"])
        st.caption(f"{dropped} {who} dropped here, {went_on} went on.")
        shown = [name for name in LISTS if found[name]["rows"]]
        if not shown:
            st.caption("Nothing is known about them besides these events.")
            return
        for name, tab in zip(shown, st.tabs([LISTS[name][0] for name in shown]), strict=True):
            with tab:
                _list(name, found[name])
        st.caption(
            "Lift: the share of the dropped divided by the share of those who went on. By chance: corrected for all "
            "rows of a list (Benjamini and Hochberg); up to 5 % counts as more. A difference is a hint, not a cause."
        )


def _list(name: str, found: Json) -> None:
    title, about = LISTS[name]
    st.caption(f"{title}: {about}")
    rows = sorted(found["rows"], key=lambda row: row["q_value"] > SURE)[:MOST]
    columns = [
        Column(title, "strong"),
        *(Column(one, "number") for one in NUMBERS),
        Column("More than chance?"),
    ]
    table(columns, [_row(name, row) for row in rows], f"{title}, with counts, lift and significance")
    if found["total"] > len(rows):
        st.caption(f"{len(rows)} of {formats.number(found['total'])}; what is more than chance comes first.")


def _row(name: str, row: Json) -> list[object]:
    return [
        _title(name, row),
        f"{formats.percent(row['dropped_share'])} ({formats.number(row['dropped'])})",
        f"{formats.percent(row['went_on_share'])} ({formats.number(row['went_on'])})",
        "only they" if row["lift"] is None else f"{row['lift']:.1f} ×",
        chance(row["q_value"]),
        "yes" if row["q_value"] <= SURE else "no",
    ]


def chance(q_value: float) -> str:
    """A corrected p-value in words."""
    return "under 0.1 %" if q_value < 0.001 else formats.percent(q_value)


def _title(name: str, row: Json) -> str:
    value = str(row["value"])
    if name == "next_events":
        return formats.event_title(value) if value else "Nothing"
    if name in ("next_pages", "exit_pages"):
        return formats.short(value, 48) or "No page"
    if name == "properties":
        said = country(value) if row["name"] == "country" else formats.short(value, 40)
        return f"{questions.property_title(row['name'])}: {said or 'not known'}"
    kinds = {"js_error": "script error", "page_not_found": "page not found"}
    first = kinds.get(str(row["name"]), str(row["name"]))
    return ": ".join(filter(None, (formats.short(first, 30), formats.short(value, 48))))
