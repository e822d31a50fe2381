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


def test_a_report_without_a_table_has_no_text():
    with pytest.raises(BadRequest):
        plain.lines("lift", {})
