"""A CSV of costs: what is read, and which line is to blame."""

from __future__ import annotations

import pytest

from tracker.core.costs import Cost, checked, read_csv
from tracker.core.errors import BadRequest

GOOD = "date,channel,cost,currency,clicks\n2026-11-01,Paid Search,12.50,eur,40\n\n2026-11-02,Paid Search,0,EUR,\n"


def test_a_file_as_spreadsheets_write_it():
    rows = read_csv("\ufeff" + GOOD.replace("\n", "\r\n"))
    assert checked(rows, ["line 2", "line 4"]) == [
        Cost(date="2026-11-01", channel="Paid Search", cost=12.5, clicks=40, currency="EUR"),
        Cost(date="2026-11-02", channel="Paid Search", cost=0.0, currency="EUR"),
    ]


WRONG = [
    ("", "line 1: the columns date, cost, currency"),
    ("date,cost,currency\n", "line 1: one of the columns channel"),
    ("date,channel,cost,currency,colour\n", "line 1: unknown columns 'colour'"),
    ("date,channel,channel,cost,currency\n", "line 1: a column is there twice"),
    ("date,channel,cost,currency\n", "nothing below it"),
    (GOOD + "2026-11-03,Email,1\n", "line 5: 3 columns where the header has 5"),
    (GOOD + "2026-11-31,Email,1,EUR,1\n", "line 5: date must be"),
    (GOOD + "2026-11-03,,1,EUR,1\n", "line 5: one of channel"),
    (GOOD + '2026-11-03,Email,"1,50",EUR,1\n', "line 5: cost must be a number"),
    (GOOD + "2026-11-03,Email,nan,EUR,1\n", "line 5: cost must be a number"),
    (GOOD + "2026-11-03,Email,1,EURO,1\n", "line 5: currency must be"),
    (GOOD + "2026-11-03,Email,1,EUR,1.5\n", "line 5: clicks must be a whole number"),
    (GOOD + "2026-11-01,Paid Search,1,EUR,1\n", "line 5: line 2 is about the same day"),
    (GOOD + '2026-11-03,"Em\nail",1,EUR,x\n', "line 6: clicks must be"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_an_error_names_the_line(text, said):
    with pytest.raises(BadRequest, match=said):
        read_csv(text)
