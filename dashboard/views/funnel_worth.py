"""Below a funnel: what each step is worth in money, and what is lost where."""

from __future__ import annotations

import streamlit as st

from dashboard import formats
from dashboard.client import Json
from dashboard.components import Column, Figure, bars, changed, figures, guarded, section, table

ONE = {"people": "a person", "visitors": "a visitor", "sessions": "a session"}


@guarded
def show(report: Json, who: str) -> None:
    """The card, where money was asked for."""
    if "worth" not in report:
        return
    steps, currency = report["steps"], str(report["worth"]["currency"])
    last = steps[-1]["worth"]
    with st.container(border=True, key="card-worth"):
        section("What it is worth", f"the purchases that {who} of this funnel converted with")
        if not last["orders"]:
            st.caption(_nothing(last))
            return
        figures(_figures(report, currency, who))
        _losses(steps, currency)
        columns = [Column("Step", "strong")]
        titles = (f"Worth of {ONE[who]} here", "Dropped here", "Estimated loss", "90 % range")
        columns += [Column(title, "number") for title in titles]
        rows = [_row(step, currency, final=step is steps[-1]) for step in steps]
        table(columns, rows, "What each step is worth, and an estimate of what is lost there")
        st.caption(
            "An estimate: what those who dropped would have brought, had they gone on like those who did. It is the "
            "most that mending a step can bring; losses of several steps overlap, do not add them up. The range is "
            "that of chance alone."
        )
        left = formats.not_converted(report["worth"]["unconverted"])
        if left:
            st.caption(formats.plain(left))


def _nothing(last: Json) -> str:
    if last["unknown"]:
        return (
            f"{formats.number(last['unknown'])} converting purchases have no amount in the currency: send value and "
            "currency, or import rates (tracker rate import)."
        )
    return "Nobody who finished made a purchase within the window."


def _figures(report: Json, currency: str, who: str) -> list[Figure]:
    first, last = report["steps"][0]["worth"], report["steps"][-1]["worth"]
    before = _before(report)
    orders = f"{formats.number(last['orders'])} purchases"
    if last["unknown"]:
        orders += f", {formats.number(last['unknown'])} more of unknown amount"
    items = [
        Figure("Value", formats.money(last["value"], currency), **_beside(last["value"], before, "value", orders)),
        Figure(
            "Average order",
            formats.money(last["average_order"], currency),
            **_beside(last["average_order"], before, "average_order", ""),
        ),
        Figure(f"Worth of {ONE[who]}", formats.money(first["per_unit"], currency), note="who enters, on average"),
    ]
    worst = max(report["steps"][:-1], key=_lost)
    if _lost(worst) > 0:
        where = f"after “{formats.short(str(worst['name']), 28)}”, an estimate"
        items.append(Figure("Costliest drop-off", formats.money(_lost(worst), currency), note=where))
    return items


def _before(report: Json) -> Json | None:
    """The last step's worth in the period before, where that was asked for."""
    other = report.get("comparison") or {}
    if other.get("with") != "previous" or not other.get("steps"):
        return None
    worth: Json = other["steps"][-1]["worth"]
    return worth


def _beside(now: float | None, before: Json | None, name: str, note: str) -> dict[str, str]:
    if before is None:
        return {"note": note}
    said = changed(now, before[name])
    return {**said, "note": " · ".join(part for part in (said.get("note", ""), note) if part)}


def _lost(step: Json) -> float:
    lost = step["worth"]["lost"]
    return float(lost["expected"]) if lost else 0.0


def _losses(steps: list[Json], currency: str) -> None:
    """Where most is lost, the largest first."""
    rows = [
        (f"After “{formats.short(str(step['name']), 40)}”", _lost(step), formats.money(_lost(step), currency))
        for step in sorted(steps[:-1], key=_lost, reverse=True)
        if _lost(step) > 0
    ]
    if len(rows) > 1:
        with st.container(key="worth-losses"):
            bars(rows, ("Estimated loss", "Money"), "")


def _row(step: Json, currency: str, *, final: bool) -> list[object]:
    worth, lost = step["worth"], step["worth"]["lost"]
    ranged = lost and lost["low"] is not None and not final
    return [
        f"{step['step']}. {step['name']}",
        formats.money(worth["per_unit"], currency),
        formats.NONE if final else formats.number(step["dropped"]),
        formats.NONE if final or not lost else formats.money(lost["expected"], currency),
        f"{formats.money(lost['low'], currency)} to {formats.money(lost['high'], currency)}"
        if ranged
        else formats.NONE,
    ]


def of_value(steps: list[Json], currency: str) -> list[object]:
    """Two cells for a value of the breakdown: its money, and its average order."""
    worth = steps[-1]["worth"]
    return [formats.money(worth["value"], currency), formats.money(worth["average_order"], currency)]
