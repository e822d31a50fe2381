import pytest

from dashboard import charts, charts_periods
from dashboard.charts import Bar
from dashboard.markup import join, tag, text

HOSTILE = "<script>alert(1)</script>"


def bars(*counts):
    return [
        Bar(f"Step {n}", count, count / counts[0], count / counts[0], False, 0 if n == 0 else counts[n - 1] - count)
        for n, count in enumerate(counts)
    ]


def test_a_funnel_draws_shares_and_writes_counts():
    figure = charts.funnel(bars(200, 50, 10))
    assert list(figure.data[1].x) == [1.0, 0.25, 0.05]
    written = " ".join(note.text for note in figure.layout.annotations)
    for expected in ("<b>200</b>", "<b>50</b>", "25 %", "−150", "−40", "Step 2"):
        assert expected in written
    assert figure.layout.height > charts.funnel(bars(200, 50)).layout.height


def test_a_strangers_name_stays_text_in_a_chart():
    figure = charts.funnel([Bar(HOSTILE, 1, 1.0, None), Bar("b", 1, 1.0, 1.0)])
    by = charts.funnel_by([(HOSTILE, [Bar(HOSTILE, 1, 1.0, None)])])
    assert "<script>" not in figure.to_json() + by.to_json()


def test_a_breakdown_has_a_bar_a_value_in_each_step():
    figure = charts.funnel_by([("DE", bars(100, 40)), ("AT", bars(50, 5))])
    assert [list(trace.x) for trace in figure.data] == [[1.0, 0.4], [1.0, 0.1]]
    assert figure.data[0].marker.color != figure.data[1].marker.color


def test_nothing_can_be_zoomed_by_accident_and_there_is_no_tool_bar():
    figure = charts.over_time(["2026-11-01", "2026-11-02"], [3, 4], "people")
    assert charts.CONFIG["displayModeBar"] is False
    template = figure.layout.template.layout
    assert template.xaxis.fixedrange
    assert template.yaxis.fixedrange


def test_who_stayed_away_is_drawn_below_the_line():
    row = {"start": "2026-11-02", "new": 4, "returning": 3, "resurrecting": 1, "dormant": 2}
    figure = charts_periods.lifecycle([row])
    assert [trace.y[0] for trace in figure.data] == [4, 3, 1, -2]
    ticks = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    assert ticks == {-2: "2", 0: "0", 2: "2", 4: "4", 6: "6", 8: "8"}


@pytest.mark.parametrize(
    ("above", "below", "ticks"),
    [
        (240, 130, {-100: "100", 0: "0", 100: "100", 200: "200"}),
        (3, 4, {at: str(abs(at)) for at in range(-4, 4)}),
        (1, 0, {0: "0", 1: "1"}),
        (0, 0, {0: "0"}),
        (61_000, 24_999, {-20_000: "20k", 0: "0", 20_000: "20k", 40_000: "40k", 60_000: "60k"}),
    ],
)
def test_counts_on_both_sides_of_an_axis_have_no_sign(above, below, ticks):
    axis = charts_periods.both_sides(above, below)
    found = dict(zip(axis["tickvals"], axis["ticktext"], strict=True))
    assert not any("-" in text for text in found.values())
    assert found == ticks


def test_an_interval_that_nobody_began_in_is_a_gap_and_the_open_one_is_paler():
    figure = charts_periods.conversion(["2026-11-01", "2026-11-02", "2026-11-03"], [0.5, None, 0.2], last_is_open=True)
    assert list(figure.data[0].y) == [0.5, None, 0.2]
    assert figure.data[0].marker.color[1] != figure.data[0].marker.color[2]


def test_axes_of_small_numbers_have_no_fractions():
    assert charts.over_time(["2026-11-01"], [3]).layout.yaxis.dtick == 1
    assert charts.over_time(["2026-11-01"], [0]).layout.yaxis.ticktext == ("0",)
    assert charts.bars_over_time(["2026-11-01"], [5000.0], "EUR").layout.yaxis.tickformat == "~s"


def test_markup_escapes_whatever_it_did_not_make():
    made = tag("td", HOSTILE, tag("b", 5), cls="n", data_label='a"b', title=None)
    assert made == '<td class="n" data-label="a&quot;b">&lt;script&gt;alert(1)&lt;/script&gt;<b>5</b></td>'
    assert join("<", None, tag("i")) == "&lt;<i></i>"
    assert text(text("<")) == "&lt;"


def test_a_year_of_money_is_drawn_by_the_week():
    days = ["2026-11-01", "2026-11-02", "2026-11-08", "2026-11-09"]  # Sunday, Monday, Sunday, Monday
    assert charts.by_week(days, [1, 2, 4, 8]) == (["2026-10-26", "2026-11-02", "2026-11-09"], [1, 6, 8], "week")
