"""Below a funnel: what it is compared with, and which differences are more than chance."""

from __future__ import annotations

import streamlit as st

from dashboard import formats, questions
from dashboard.client import Json
from dashboard.components import Column, guarded, notice, section, table
from dashboard.views import funnel_reasons

MOST = 40


@guarded
def show(report: Json, draft: Json, who: str) -> None:
    """The card, where something was compared."""
    found = report.get("comparison")
    if not found or not found["tests"]:
        return
    names = {step["step"]: str(step["name"]) for step in report["steps"]}
    one, other = _sides(found["with"], draft)
    rows = found["tests"]
    with st.container(border=True, key="card-compared"):
        section("Is it different?", f"{one} beside {other}; conversion of those at one step to another")
        _verdict(rows)
        columns = [
            *(
                [Column(questions.property_title(draft["breakdown"]).capitalize(), "strong")]
                if "value" in rows[0]
                else []
            ),
            Column("From – to", "strong"),
            *(Column(title, "number") for title in (one, other, "Difference", "By chance")),
            Column("More than chance?"),
        ]
        if len(rows) > MOST:
            rows = sorted(rows, key=lambda row: row["q_value"])[:MOST]
        table(columns, [_row(row, names) for row in rows], "Differences between two groups with their significance")
        st.caption(
            f"By chance: how likely so large a difference is between {who} who do not differ (chi-square or Fisher's "
            "exact test), corrected for all rows together (Benjamini and Hochberg). Up to 5 % counts as more."
        )


def _sides(kind: str, draft: Json) -> tuple[str, str]:
    if kind == "previous":
        return "This period", "Period before"
    if draft["compare"] == "breakdown":
        return "This value", "All others"
    return ("The audience", "Everybody else") if kind == "rest" else ("The audience", "People chosen")


def _verdict(rows: list[Json]) -> None:
    sure = [row for row in rows if row["q_value"] <= funnel_reasons.SURE]
    if sure:
        notice("info", f"{len(sure)} of {len(rows)} differences are more than chance.")
    else:
        notice("info", "No difference here is more than chance.", "That may also mean: too few people to tell.")


def _row(row: Json, names: dict[int, str]) -> list[object]:
    value = [str(row["value"]) or "(not known)"] if "value" in row else []
    points = row["difference"]
    return [
        *value,
        f"{row['of']}. {formats.short(names[row['of']], 28)} → {row['step']}. {formats.short(names[row['step']], 28)}",
        formats.percent(row["share"]),
        formats.percent(row["other_share"]),
        formats.NONE if points is None else f"{points * 100:+.1f} points",
        funnel_reasons.chance(row["q_value"]),
        "yes" if row["q_value"] <= funnel_reasons.SURE else "no",
    ]
