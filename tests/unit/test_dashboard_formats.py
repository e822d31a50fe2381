from datetime import UTC, date, datetime, timedelta

import pytest

from dashboard import formats
from dashboard.countries import country

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(12345, "12,345"), (0, "0"), (None, "–"), (1234.5, "1,234.50"), (12.0, "12"), (-3, "-3")],
)
def test_number(value, expected):
    assert formats.number(value) == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.1234, "12.3 %"),
        (1, "100 %"),
        (0, "0 %"),
        (0.5, "50 %"),
        (None, "–"),
        (0.0004, "< 0.1 %"),  # a few are not nobody
        (0.9999, "> 99.9 %"),  # nearly all are not all
    ],
)
def test_percent(share, expected):
    assert formats.percent(share) == expected


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (1234, "EUR", "€ 1,234"),
        (1234.56, "EUR", "€ 1,235"),
        (59.9, "EUR", "€ 59.90"),
        (59, "USD", "$ 59"),
        (10, "SEK", "SEK 10"),
        (3, "", "3"),
        (None, "EUR", "–"),
    ],
)
def test_money(amount, currency, expected):
    assert formats.money(amount, currency) == expected


def test_currencies_are_never_added_up():
    assert formats.revenue_text({"USD": 90, "EUR": 2000}) == ("€ 2,000", "and $ 90")
    assert formats.revenue_text({}) == ("–", "")
    assert formats.revenue_text(None) == ("–", "")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "–"),
        (0, "0 s"),
        (0.4, "< 1 s"),
        (42, "42 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (7200, "2 h"),
        (86_400 * 3 + 4 * 3600 + 59, "3 d 4 h"),
        (86_400 + 30, "1 d"),
        (59.7, "1 min"),
    ],
)
def test_duration(seconds, expected):
    assert formats.duration(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(1, "just now"), (40, "40 s ago"), (180, "3 min ago"), (7200, "2 h ago"), (200_000, "2 d ago")],
)
def test_ago(seconds, expected):
    assert formats.ago(NOW - timedelta(seconds=seconds), NOW) == expected
    assert formats.ago(None, NOW) == "never"


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (date(2026, 11, 1), date(2026, 11, 7), "1–7 Nov 2026"),
        (date(2026, 10, 28), date(2026, 11, 3), "28 Oct – 3 Nov 2026"),
        (date(2025, 12, 28), date(2026, 1, 3), "28 Dec 2025 – 3 Jan 2026"),
        (date(2026, 11, 7), date(2026, 11, 7), "7 Nov 2026"),
    ],
)
def test_days(first, last, expected):
    assert formats.days(first, last) == expected


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (110, 100, ("+10 %", "up")),
        (90, 100, ("−10 %", "down")),
        (100, 100, ("no change", "flat")),
        (5, 0, ("new", "new")),
        (0, 0, ("", "flat")),
        (5, None, ("new", "new")),
    ],
)
def test_change(now, before, expected):
    assert formats.change(now, before) == expected


@pytest.mark.parametrize(
    ("window", "expected"),
    [("7d", "7 days"), ("1h", "1 hour"), ("30m", "30 minutes"), ("2w", "2 weeks"), ("soon", "soon")],
)
def test_window(window, expected):
    assert formats.window_text(window) == expected


def test_a_strangers_text_is_no_markdown():
    assert formats.plain("**a** [b](c) :red[d]\n`e`") == r"\*\*a\*\* \[b\]\(c\) \:red\[d\] \`e\`"


def test_names_of_events_and_countries():
    assert formats.event_title("add_to_cart") == "Add to cart"
    assert formats.event_title("*") == "Any event"
    assert country("DE") == "Germany"
    assert country("xx") == "xx"


def test_listing():
    assert [formats.listing(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a or b",
        "a, b or c",
    ]
