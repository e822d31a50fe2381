"""Exchange rates: what is read, which line is to blame, and what an amount is worth on which day."""

from __future__ import annotations

import pytest

from tracker.analytics.money import Money, by_currency, split
from tracker.core.errors import BadRequest
from tracker.core.rates import Rate, checked, read_csv

GOOD = "date,currency,rate\n2026-11-02,usd,0.80\n\n2026-11-02,GBP,1.25\n"


def read(text, **more):
    rows, places = read_csv(text)
    return checked(rows, places, **{"base": "EUR", "inverse": False, **more})


def test_a_file_as_spreadsheets_write_it():
    expected = [Rate("2026-11-02", "USD", 0.8), Rate("2026-11-02", "GBP", 1.25)]
    assert read("\ufeff" + GOOD.replace("\n", "\r\n")) == expected
    turned = [Rate("2026-11-02", "USD", 1.25), Rate("2026-11-02", "GBP", 0.8)]
    assert read(GOOD, inverse=True) == turned


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the columns must be"),
        ("date,currency\n2026-11-02,USD\n", "line 1: the columns must be"),
        ("date,currency,rate\n", "nothing below it"),
        (GOOD + "2026-11-03,USD\n", "line 5: 2 columns where the header has 3"),
        (GOOD + "2026-11-31,USD,1\n", "line 5: date must be"),
        (GOOD + "2026-11-03,USDX,1\n", "line 5.currency must be"),
        (GOOD + "2026-11-03,USD,0\n", "line 5: rate must be"),
        (GOOD + "2026-11-03,USD,-1\n", "line 5: rate must be"),
        (GOOD + "2026-11-03,USD,nan\n", "line 5: rate must be"),
        (GOOD + '2026-11-03,USD,"0,9"\n', "line 5: rate must be"),
        (GOOD + "2026-11-03,EUR,1\n", "line 5: currency is the base"),
        (GOOD + "2026-11-02,USD,1\n", "line 5: this day and currency"),
    ],
)
def test_an_error_names_the_line(text, said):
    with pytest.raises(BadRequest) as caught:
        read(text)
    assert said in caught.value.message


RATES = {"EUR": {"USD": [("2026-11-02", 0.8), ("2026-11-05", 0.5)], "GBP": [("2026-11-01", 1.25)]}}


@pytest.mark.parametrize(
    ("currency", "of", "day", "rate"),
    [
        ("EUR", "EUR", "1999-01-01", 1.0),
        ("EUR", "USD", "2026-11-01", None),  # before the first
        ("EUR", "USD", "2026-11-02", 0.8),
        ("EUR", "USD", "2026-11-04", 0.8),  # the last known before it
        ("EUR", "USD", "2030-01-01", 0.5),
        ("EUR", "JPY", "2026-11-02", None),
        ("EUR", "", "2026-11-02", None),
        ("USD", "EUR", "2026-11-05", 2.0),
        ("GBP", "USD", "2026-11-05", 0.4),  # over the base
        ("GBP", "USD", "2026-11-01", None),
        ("CHF", "USD", "2026-11-05", None),
    ],
)
def test_the_rate_of_a_day(currency, of, day, rate):
    assert Money(currency, RATES).rate(of, day) == (rate if rate is None else pytest.approx(rate))


def test_what_cannot_be_converted_is_said_and_is_in_no_sum():
    amounts = split({"2026-11-02EUR": 1.0, "2026-11-02USD": 10.0, "2026-11-05USD": 10.0, "2026-11-05": 7.0})
    made = Money("EUR", RATES).converted([*amounts, ("2026-11-05", "JPY", 900.0)])
    assert made == {"currency": "EUR", "amount": 14.0, "unconverted": {"JPY": 900.0, "XXX": 7.0}}
    assert by_currency(amounts) == {"EUR": 1.0, "USD": 20.0, "XXX": 7.0}
    assert split((["2026-11-02EUR"], [1.5])) == [("2026-11-02", "EUR", 1.5)]
    assert split(None) == split(([], [])) == []
