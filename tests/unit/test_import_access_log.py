from __future__ import annotations

import pytest

from tracker.collector.parsed import Unreadable
from tracker.core.event import RawEvent
from tracker.core.identifiers import day_visitor
from tracker.imports.access_log import Skipped, parse

KEY = b"k" * 32
AGENT = "Mozilla/5.0 (X11; Linux x86_64)"
LINE = (
    '203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET /shop/?page=2 HTTP/1.1" 200 2032 '
    f'"https://search.example/" "{AGENT}"'
)


def read(line: str) -> RawEvent | Skipped | Unreadable:
    return parse(line, host="shop.example", key=KEY)


def test_a_combined_line_is_a_page_view() -> None:
    event = read(LINE)
    assert isinstance(event, RawEvent)
    assert (event.type, event.name, event.url) == ("page", "page_view", "https://shop.example/shop/?page=2")
    assert (event.ts, event.referrer, event.ua, event.ip) == (
        1431857103000,
        "https://search.example/",
        AGENT,
        "203.0.113.9",
    )


@pytest.mark.parametrize(
    ("stamp", "ms"),
    [
        ("17/May/2015:10:05:03 +0000", 1431857103000),
        ("17/May/2015:12:05:03 +0200", 1431857103000),
        ("17/May/2015:05:35:03 -0430", 1431857103000),
        ("29/Feb/2024:00:00:00 +0000", 1709164800000),
    ],
)
def test_times_are_read_with_their_offset(stamp: str, ms: int) -> None:
    event = read(LINE.replace("17/May/2015:10:05:03 +0000", stamp))
    assert isinstance(event, RawEvent)
    assert event.ts == ms


@pytest.mark.parametrize(
    ("request_line", "status", "expected"),
    [
        ("GET /app.js?v=3 HTTP/1.1", "200", "static"),
        ("GET /logo.PNG HTTP/1.1", "200", "static"),
        ("GET /feed.xml HTTP/1.1", "200", "static"),
        ("POST /cart HTTP/1.1", "200", "method"),
        ("HEAD / HTTP/1.1", "200", "method"),
        ("GET /gone HTTP/1.1", "404", "status"),
        ("GET /old HTTP/1.1", "301", "status"),
        ("GET / HTTP/1.1", "304", None),
        ("GET /v1.2/guide HTTP/2.0", "200", None),
        ("GET /index.php HTTP/1.1", "206", None),
        ("GET https://other.example/x HTTP/1.1", "200", None),
    ],
)
def test_what_is_no_page_view_is_skipped_with_its_reason(request_line: str, status: str, expected: str | None) -> None:
    line = LINE.replace("GET /shop/?page=2 HTTP/1.1", request_line).replace('" 200 ', f'" {status} ')
    outcome = read(line)
    assert (outcome.reason if isinstance(outcome, Skipped) else None) == expected
    assert isinstance(outcome, Skipped | RawEvent)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        '203.0.113.9 - - [no time at all, really no] "GET / HTTP/1.1" 200 1 "-" "-"',
        '203.0.113.9 - - [99/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "-"',
        '203.0.113.9 - - [17/Mai/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "-"',
        '203.0.113.9 - - [17/May/2015:10:05:03 +0000] "-" 408 0 "-" "-"',
        '203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET / HTT',
    ],
)
def test_other_lines_are_unreadable_and_their_message_repeats_nothing(line: str) -> None:
    outcome = read(line)
    assert isinstance(outcome, Unreadable)
    assert "203.0.113.9" not in outcome.message


def test_common_format_quotes_and_virtual_hosts() -> None:
    common = read(LINE.split(' "https://search', maxsplit=1)[0])
    assert isinstance(common, RawEvent)
    assert (common.referrer, common.ua) == (None, "")
    quoted = read(LINE.replace(AGENT, 'odd \\"agent\\"'))
    assert isinstance(quoted, RawEvent)
    assert quoted.ua == 'odd "agent"'
    virtual = read("www.other.example:443 " + LINE)
    assert isinstance(virtual, RawEvent)
    assert virtual.url == "https://www.other.example/shop/?page=2"


def test_a_visitor_is_one_address_and_agent_on_one_day_and_says_neither() -> None:
    day = 86_400_000
    name = day_visitor(KEY, "203.0.113.9", AGENT, 10 * day + 5)
    assert name == day_visitor(KEY, "203.0.113.9", AGENT, 11 * day - 1)
    others = {
        day_visitor(KEY, "203.0.113.9", AGENT, 11 * day),
        day_visitor(KEY, "203.0.113.8", AGENT, 10 * day + 5),
        day_visitor(KEY, "203.0.113.9", AGENT + "x", 10 * day + 5),
        day_visitor(b"j" * 32, "203.0.113.9", AGENT, 10 * day + 5),
    }
    assert len(others | {name}) == 5
    assert "203" not in name.removeprefix("log-")[:8] or "203.0.113.9" not in name
