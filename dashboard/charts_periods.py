"""Charts of what belongs to a period and falls into parts. Pure; the look is that of `charts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from dashboard import charts, formats

STATES = {"new": "#0B6E69", "returning": "#6FA9A5", "resurrecting": "#C98A1B", "dormant": "#B98C87"}
"""The people of a period, each with its colour; dormant ones are drawn below the line."""


def lifecycle(periods: Sequence[dict[str, Any]]) -> go.Figure:
    """Who came stands above the line, who stayed away below it."""
    figure = charts.blank(charts.HEIGHT)
    starts = [str(row["start"]) for row in periods]
    for state, colour in STATES.items():
        counts = [int(row[state]) for row in periods]
        figure.add_bar(
            x=starts,
            y=[-count for count in counts] if state == "dormant" else counts,
            marker={"color": colour, "cornerradius": 2},
            customdata=[formats.number(count) for count in counts],
            hovertemplate=f"<b>%{{customdata}}</b> {state}<extra></extra>",
        )
    charts.time_axis(figure, starts)
    above = max((sum(row[state] for state in STATES if state != "dormant") for row in periods), default=0)
    below = max((row["dormant"] for row in periods), default=0)
    figure.update_layout(barmode="relative", bargap=0.28)
    figure.update_yaxes(**both_sides(above, below), zeroline=True, zerolinecolor=charts.MUTED)
    return figure


def both_sides(above: int, below: int) -> dict[str, Any]:
    """Ticks of an axis whose bars go up and down by counts: both ways from 0, and none of them has a sign."""
    least = max(above, below) / 4
    size = 10 ** max(0, len(str(int(least))) - 1)
    step = max(1, next(size * each for each in (1, 2, 5, 10) if size * each >= least))
    ticks = range(-(below // step) * step, above + 1, step)
    return {"tickvals": list(ticks), "ticktext": [formats.compact(abs(tick)) for tick in ticks]}


def conversion(times: Sequence[str], shares: Sequence[float | None], *, last_is_open: bool = False) -> go.Figure:
    """The share that got to the end, interval by interval; None where nobody began."""
    figure = charts.blank(charts.HEIGHT)
    colours = [charts.PRIMARY] * len(times)
    if last_is_open and colours:
        colours[-1] = charts.SOFT
    figure.add_scatter(
        x=list(times),
        y=list(shares),
        mode="lines+markers",
        cliponaxis=False,
        line={"color": charts.PRIMARY, "width": 2.2},
        marker={"size": 7, "color": colours, "line": {"color": charts.PRIMARY, "width": 1.5}},
        customdata=[formats.percent(share) for share in shares],
        hovertemplate="<b>%{customdata}</b><extra></extra>",
    )
    charts.time_axis(figure, times)
    figure.update_yaxes(tickformat=".0%" if max((share or 0 for share in shares), default=0) >= 0.05 else ".1%")
    return figure
