"""Reports in plain text: what visitors sent stays in its cell."""

from __future__ import annotations

import pytest

from tracker.analytics import plain
from tracker.core.errors import BadRequest


def edges(*targets):
    return {
        "edges": [{"step": 1, "source": "/", "target": one, "people": 1234, "seconds_average": 3.0} for one in targets]
    }


def test_a_text_of_a_visitor_is_one_short_line():
    hostile = "/a\r\n\nThe whole table: http://thief.example\x00\x1b[2J\u202e\u2028" + "x" * 300
    lines = plain.lines("paths", edges(hostile, "/ok"))
    assert len(lines) == 3 and all(line.isprintable() for line in lines)
    assert lines[1].split("  ")[-1].strip() == "3 s"
    assert " /a The whole table: http:...  " in lines[1]
    assert lines[2].split() == ["1", "/", "/ok", "1,234", "3", "s"]


def test_long_tables_are_cut_and_say_so():
    lines = plain.lines("paths", edges(*(f"/{at}" for at in range(plain.ROWS + 3))))
    assert len(lines) == plain.ROWS + 2
    assert lines[-1] == "... and 3 more rows"
    assert plain.lines("paths", edges()) == ["The table is empty: nothing fits in this period."]


def test_numbers_are_read_easily():
    series = [{"start": "2026-11-01", "value": value} for value in (0.1234567, 1234567.891, 0.0, None)]
    assert [line.split()[-1] for line in plain.lines("timeseries", {"series": series})] == [
        "value", "0.1235", "1,234,567.89", "0", "2026-11-01",
    ]  # fmt: skip
    totals = {"people": 12, "conversion_rate": 0.0151, "revenue": {"EUR": 5.0, "USD": 7.5}}
    before = {"people": 10, "conversion_rate": 0.02, "revenue": {}}
    totals["converted"] = {"amount": 11.5, "currency": "EUR", "unconverted": {}}
    lines = plain.lines("overview", {"totals": totals, "previous": before, "series": []})
    assert lines[:4] == [
        "people: 12 (before: 10)",
        "conversion rate: 1.5 % (before: 2.0 %)",
        "revenue: 5.00 EUR, 7.50 USD (before: 0)",
        "converted: 11.50 EUR",
    ]


@pytest.mark.parametrize(
    ("seconds", "said"), [(40.0, "40 s"), (300, "5.0 min"), (50_761.96, "14.1 h"), (3e5, "3.5 days")]
)
def test_times_have_a_unit(seconds, said):
    answer = {"edges": [{"step": 1, "source": "a", "target": "b", "people": 1, "seconds_average": seconds}]}
    assert plain.lines("paths", answer)[1].endswith(f"  {said}")


def test_a_mail_has_days_hours_and_units_in_place_of_codes():
    days = [{"start": f"2026-11-2{at}T00:00:00+01:00", "value": at} for at in (1, 2)]
    assert plain.lines("timeseries", {"series": days})[1].split() == ["2026-11-21", "1"]
    hours = [*days, {"start": "2026-11-22T13:00:00+01:00", "value": 3}]
    assert [line.split() for line in plain.lines("timeseries", {"series": hours})[2:]] == [
        ["2026-11-22", "00:00", "2"],
        ["2026-11-22", "13:00", "3"],
    ]
    bins = [{"from": 0, "to": 60, "count": 4}, {"from": 60, "to": None, "count": 1}]
    lines = plain.lines("funnel/time", {"count": 5, "road": "events", "bins": bins})
    assert [" ".join(line.split()) for line in lines] == [
        "count: 5",
        "",
        "time from time to count",
        "0 s 60 s 4",
        "60 s 1",
    ]
    segments = [{"segment": "about_to_sleep", "people": 2, "purchases": 2}]
    assert "about to sleep" in plain.lines("rfm", {"segments": segments})[-1]


def test_a_report_without_a_table_has_no_text():
    with pytest.raises(BadRequest):
        plain.lines("lift", {})
