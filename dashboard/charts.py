"""Data in, figure out. Pure: no Streamlit, no API; one shared look; readable at 390 px.

Charts carry their labels where the eye is, have no tool bar, and cannot be zoomed by accident while scrolling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import plotly.graph_objects as go

from dashboard import formats

INK, MUTED, LINE, GROUND = "#15202B", "#5A6772", "#E8ECEB", "rgba(0,0,0,0)"
PRIMARY, SOFT, WARM, LOST = "#0B6E69", "#DCEBE9", "#C98A1B", "#9B3329"
PALE_WARM = "#E6CC9A"
HEIGHT = 250
CATEGORIES = ["#0B6E69", "#C98A1B", "#4C6FB1", "#A8557A", "#6B8E3D", "#8A7F72"]
CONFIG: dict[str, Any] = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False, "showTips": False}
FONT = "Inter, system-ui, sans-serif"

TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": GROUND,
        "plot_bgcolor": GROUND,
        "margin": {"l": 4, "r": 8, "t": 8, "b": 4},
        "colorway": CATEGORIES,
        "showlegend": False,
        "dragmode": False,
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": "#FFFFFF",
            "bordercolor": "#D5DBDA",
            "font": {"family": FONT, "size": 13, "color": INK},
        },
        "xaxis": {
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "automargin": True,
            "tickfont": {"color": MUTED, "size": 12},
            "linecolor": "#D5DBDA",
            "nticks": 6,
            "ticks": "outside",
            "ticklen": 7,
            "tickcolor": GROUND,
        },
        "yaxis": {
            "gridcolor": LINE,
            "zeroline": False,
            "fixedrange": True,
            "automargin": True,
            "tickfont": {"color": MUTED, "size": 12},
            "rangemode": "tozero",
            "nticks": 5,
        },
    }
)


def over_time(
    times: Sequence[str],
    values: Sequence[float | None],
    unit: str = "",
    *,
    before: Sequence[float | None] = (),
    last_is_open: bool = False,
) -> go.Figure:
    """A line with a soft area below. `before`: the same of an earlier time, as a thin grey line behind it.

    `last_is_open`: the last point is not over yet and is drawn dotted."""
    figure = blank(HEIGHT)
    if before:
        _earlier(figure, times, before, [f"{formats.number(value)} {unit}" for value in before])
    closed = len(times) - 1 if last_is_open and len(times) > 2 else len(times)
    line = {"color": PRIMARY, "width": 2.2}
    figure.add_scatter(
        x=list(times[:closed]),
        y=list(values[:closed]),
        mode="lines" if closed > 1 else "markers",
        line=line,
        marker={"size": 8, "color": PRIMARY},
        fill="tozeroy",
        fillcolor="rgba(11,110,105,0.10)",
        customdata=[formats.number(value) for value in values[:closed]],
        hovertemplate=f"<b>%{{customdata}}</b> {unit}<extra></extra>",
    )
    if closed < len(times):
        figure.add_scatter(
            x=list(times[closed - 1 :]),
            y=list(values[closed - 1 :]),
            mode="lines",
            line=line | {"dash": "dot"},
            customdata=[None, formats.number(values[-1])],
            hovertemplate=["<extra></extra>", f"<b>%{{customdata}}</b> {unit} so far<extra></extra>"],
        )
    time_axis(figure, times)
    figure.update_yaxes(**axis_numbers([*values, *before]))
    return figure


def _earlier(figure: go.Figure, times: Sequence[str], values: Sequence[float | None], written: Sequence[str]) -> None:
    figure.add_scatter(
        x=list(times[: len(values)]),
        y=list(values[: len(times)]),
        mode="lines",
        line={"color": MUTED, "width": 1.2},
        customdata=list(written),
        hovertemplate="%{customdata} before<extra></extra>",
    )


def bars_over_time(
    times: Sequence[str],
    values: Sequence[float | None],
    currency: str,
    *,
    before: Sequence[float | None] = (),
    last_is_open: bool = False,
) -> go.Figure:
    """Sums as bars: money has no shape between two days. `before`: see `over_time`. `last_is_open`: paler last bar."""
    figure = blank(HEIGHT)
    colours = [WARM] * len(times)
    if last_is_open and colours:
        colours[-1] = PALE_WARM
    figure.add_bar(
        x=list(times),
        y=list(values),
        marker={"color": colours, "cornerradius": 2},
        customdata=[formats.money(value, currency) for value in values],
        hovertemplate="<b>%{customdata}</b><extra></extra>",
    )
    if before:
        _earlier(figure, times, before, [formats.money(value, currency) for value in before])
    time_axis(figure, times)
    figure.update_layout(bargap=0.28)
    figure.update_yaxes(**axis_numbers([*values, *before]), tickprefix=f"{formats.sign(currency)} ".lstrip())
    return figure


def by_week(days: Sequence[str], values: Sequence[float]) -> tuple[list[str], list[float], str]:
    """Sums a week, by its Monday. Only for what may be added up: money, events; never people."""
    weeks: dict[str, float] = {}
    for day, value in zip(days, values, strict=True):
        then = date.fromisoformat(day[:10])
        monday = (then - timedelta(days=then.weekday())).isoformat()
        weeks[monday] = weeks.get(monday, 0.0) + value
    return list(weeks), list(weeks.values()), "week"


@dataclass(frozen=True)
class Bar:
    """One step of a funnel as the chart needs it; `share` is of the first step, `lost` left before this one."""

    title: str
    count: int
    share: float
    from_previous: float | None
    optional: bool = False
    lost: int = 0


ROOM_FOR_LOSS = 0.8  # of the bar's width: above it the loss would be written on the bar itself
ROW = 66  # pixels a funnel step takes


def funnel(bars: Sequence[Bar], who: str = "people") -> go.Figure:
    """A bar a step, lying, its name above it: works with two steps or twenty, on a desk or in a hand."""
    figure = blank(ROW * len(bars) + 8)
    rows = list(range(len(bars)))
    figure.add_bar(
        x=[1.0] * len(bars),
        y=rows,
        orientation="h",
        width=0.42,
        marker={"color": SOFT, "cornerradius": 5},
        hoverinfo="skip",
    )
    figure.add_bar(
        x=[bar.share for bar in bars],
        y=rows,
        orientation="h",
        width=0.42,
        marker={"color": ["#6FA9A5" if bar.optional else PRIMARY for bar in bars], "cornerradius": 5},
        customdata=[_funnel_hover(bar, who) for bar in bars],
        hovertemplate="%{customdata}<extra></extra>",
    )
    for row, bar in enumerate(bars):
        name = f"<b>{row + 1}</b>  {_text(formats.short(bar.title, 30))}" + ("  (optional)" if bar.optional else "")
        _label(figure, row, name, at="left")
        share = f"<span style='color:{MUTED}'>{formats.percent(bar.share)}</span>"
        _label(figure, row, f"<b>{formats.number(bar.count)}</b>  {share}", at="right")
        if row and bar.lost and bar.share < ROOM_FOR_LOSS:
            lost = f"−{formats.number(bar.lost)}"
            figure.add_annotation(
                x=0.992,
                y=row,
                text=lost,
                showarrow=False,
                xanchor="right",
                xref="paper",
                font={"size": 13, "color": LOST},
            )
    figure.update_layout(barmode="overlay", hovermode="closest")
    figure.update_xaxes(visible=False, range=[0, 1])
    figure.update_yaxes(visible=False, range=[len(bars) - 0.62, -0.72])
    return figure


def funnel_by(groups: Sequence[tuple[str, Sequence[Bar]]]) -> go.Figure:
    """The same, one thin bar a value of the breakdown in each step, in the colours of `CATEGORIES`."""
    steps = len(groups[0][1]) if groups else 0
    tall = 26 + 20 * len(groups)
    figure = blank(tall * steps + 8)
    thickness = 15 / tall
    for index, (value, bars) in enumerate(groups):
        shift = (index - (len(groups) - 1) / 2) * 19 / tall + 9 / tall
        colour = CATEGORIES[index % len(CATEGORIES)]
        figure.add_bar(
            x=[bar.share for bar in bars],
            y=[row + shift for row in range(steps)],
            orientation="h",
            width=thickness,
            marker={"color": colour, "cornerradius": 3},
            text=[f" {formats.percent(bar.share)}" for bar in bars],
            textposition="outside",
            textfont={"color": MUTED, "size": 12},
            cliponaxis=False,
            customdata=[
                f"<b>{_text(value)}</b>: {formats.number(bar.count)} · {formats.percent(bar.share)}" for bar in bars
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    for row, bar in enumerate(groups[0][1] if groups else []):
        name = f"<b>{row + 1}</b>  {_text(formats.short(bar.title, 36))}"
        top = row - (10 * len(groups)) / tall + 8 / tall
        figure.add_annotation(x=0, y=top, text=name, showarrow=False, xanchor="left", yanchor="bottom", xref="paper")
    figure.update_layout(barmode="overlay", hovermode="closest", margin={"r": 52})
    figure.update_xaxes(visible=False, range=[0, 1])
    figure.update_yaxes(visible=False, range=[steps - 0.45, -0.62])
    return figure


def blank(height: int) -> go.Figure:
    """A figure in the shared look, `height` pixels tall."""
    figure = go.Figure()
    figure.update_layout(template=TEMPLATE, height=height)
    return figure


def time_axis(figure: go.Figure, days: Sequence[str]) -> None:
    """Days below, or hours where the times are those of one day."""
    hours = any("T" in day and day[11:16] != "00:00" for day in days)
    figure.update_xaxes(
        type="date", tickformat="%H:%M" if hours else "%-d %b", hoverformat="%H:%M" if hours else "%a %-d %b %Y"
    )
    if len(days) == 1:
        figure.update_xaxes(tickvals=list(days))


def whole_days(figure: go.Figure, days: Sequence[str]) -> None:
    """The axis from half a step before the first day to half a step after the last, so that charts stand in line."""
    if len(days) < 2:
        return
    first, second, last = (datetime.fromisoformat(day[:10]) for day in (days[0], days[1], days[-1]))
    half = (second - first) / 2
    figure.update_xaxes(range=[(first - half).isoformat(), (last + half).isoformat()])


def annotate(figure: go.Figure, notes: Sequence[tuple[str, str]]) -> None:
    """A dotted line at each (day, text); the text is shortened, and whole when it is pointed at."""
    for day, text in notes:
        figure.add_shape(
            type="line", x0=day, x1=day, y0=0, y1=1, yref="paper", line={"color": MUTED, "width": 1, "dash": "dot"}
        )
        figure.add_annotation(
            x=day,
            y=1,
            yref="paper",
            text=_text(formats.short(text, 22)),
            hovertext=_text(text),
            showarrow=False,
            xanchor="left",
            yanchor="top",
            font={"size": 11, "color": MUTED},
        )


def axis_numbers(values: Sequence[float | None]) -> dict[str, Any]:
    """Whole numbers on the axis where there are few, `12k` where there are many."""
    top = max((value or 0 for value in values), default=0)
    if top == 0:
        return {"range": [0, 1], "tickvals": [0], "ticktext": ["0"]}
    return {"dtick": 1} if top <= 4 else {"tickformat": "~s"}


def _label(figure: go.Figure, row: int, text: str, *, at: str) -> None:
    figure.add_annotation(
        x=0 if at == "left" else 1,
        y=row - 0.27,
        text=text,
        showarrow=False,
        xanchor=at,
        yanchor="bottom",
        xref="paper",
        font={"size": 14, "color": INK},
    )


def _funnel_hover(bar: Bar, who: str) -> str:
    lines = [
        f"<b>{_text(bar.title)}</b>",
        f"{formats.number(bar.count)} {who}, {formats.percent(bar.share)} of the first step",
    ]
    if bar.from_previous is not None:
        lines.append(f"{formats.percent(bar.from_previous)} of the step before")
    return "<br>".join(lines)


def _text(value: str) -> str:
    """Plotly reads a few HTML tags in labels; what a stranger typed stays text."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
