"""Machines that do not say so: marked with a reason, kept, and left out of reports."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from collector_http import ORIGIN, YES
from hypothesis import given
from hypothesis import strategies as st
from loading import Road, event

from tracker.analytics import overview
from tracker.audiences import membership
from tracker.audiences.definition import define
from tracker.collector import suspects
from tracker.collector.endpoints import SERVICE
from tracker.collector.place import Places
from tracker.collector.suspects import Ranges, Rates, claims_browser, is_public
from tracker.core.site import Site
from tracker.loader.enrich.bots import bot
from tracker.store.engine import Engine

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 (KHTML, like Gecko) Version/18 Safari/605"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"


@pytest.mark.parametrize("ua", [CHROME, SAFARI, FIREFOX])
def test_browsers_of_today_say_so(ua):
    assert claims_browser(ua)
    assert not bot(ua)


@pytest.mark.parametrize("ua", ["", "Mozilla/4.0 (compatible; MSIE 8.0)", "python-requests/2.32", "Mozilla/5.0"])
def test_others_claim_nothing(ua):
    assert not claims_browser(ua)


def test_a_headless_browser_is_a_bot():
    assert bot(CHROME.replace("Chrome/", "HeadlessChrome/"))


def test_a_rate_is_counted_by_the_minute_and_its_memory_is_bounded(monkeypatch):
    rates = Rates(10)
    assert not rates.over("a", 10, 0)
    assert rates.over("a", 1, 1_000)
    assert not rates.over("b", 10, 1_000)
    assert not rates.over("a", 10, 60_000)  # the next minute
    assert not any(Rates(0).over("a", 10_000, 0) for _ in range(3))
    assert not rates.over("", 100, 0)
    monkeypatch.setattr(suspects, "_MOST", 5)
    for number in range(100):
        rates.over(f"k{number}", 1, 60_000)
        rates.over("busy", 1, 60_000)
    assert len(rates._counts) <= 6
    assert rates.over("busy", 1, 60_000)


NETWORK = st.tuples(st.integers(0, 2**32 - 1), st.integers(8, 32))


@given(st.lists(NETWORK, max_size=12), st.lists(st.integers(0, 2**32 - 1), max_size=20), st.data())
def test_ranges_say_what_a_slow_look_says(tmp_path_factory, networks, addresses, data):
    from ipaddress import ip_network

    found = [ip_network((number, width), strict=False) for number, width in networks]
    file = tmp_path_factory.mktemp("ranges") / "list.txt"
    file.write_text("# a comment\n\n" + "\n".join(f"{one} # why" for one in found) + "\n2001:db8::/32\n")
    ranges = Ranges(file)
    if found:
        addresses = [*addresses, *(int(one[0]) for one in found), *(int(one[-1]) + 1 & 0xFFFFFFFF for one in found)]
    for number in addresses:
        address = ip_address(number) if number > 2**32 - 1 else ip_address(int.to_bytes(number, 4))
        assert ranges.has(address) == any(address in one for one in found)
    assert ranges.has(ip_address("2001:db8::1"))
    assert not ranges.has(ip_address("2001:db9::1"))


def test_a_bad_line_is_named(tmp_path):
    (tmp_path / "list.txt").write_text("198.51.100.0/24\nnonsense\n")
    with pytest.raises(ValueError, match=r"line 2 of list\.txt"):
        Ranges(tmp_path / "list.txt")


def test_a_place_knows_whether_it_is_a_data_centre(tmp_path):
    (tmp_path / "list.txt").write_text("198.51.100.0/25\n")
    places = Places(None, tmp_path / "list.txt")
    assert places.find("198.51.100.7").hosted
    assert not places.find("198.51.100.200").hosted  # the same block in reports
    assert not Places(None).find("198.51.100.7").hosted


def test_private_addresses_have_no_rate():
    assert [is_public(block) for block in ("8.8.8.0", "10.0.0.0", "127.0.0.0", "", "2a00::")] == [
        True, False, False, False, True,
    ]  # fmt: skip


EVENT: dict[str, Any] = {"type": "track", "name": "look", "visitor": "v1", "consent": YES}


async def test_what_the_collector_marks(collector):
    human = {**ORIGIN, "User-Agent": CHROME, "Accept-Language": "de"}
    await collector.events(EVENT, headers=human)
    await collector.events(EVENT, headers={**ORIGIN, "User-Agent": CHROME})
    await collector.events(EVENT, headers={"User-Agent": CHROME})  # no browser's Origin: a server, which is not judged
    assert [record.bot for record in collector.stored()] == ["", "no_language", ""]


HINTS = {
    "Sec-CH-UA": '"Chromium";v="131", "Google Chrome";v="131", "Not?A_Brand";v="24"',
    "Sec-CH-UA-Mobile": "?0",
    "Sec-CH-UA-Platform": '"Linux"',
}
FETCH = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
WINDOWS = CHROME.replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64")
PHONE = CHROME.replace("X11; Linux x86_64", "Linux; Android 10; K").replace(" Safari", " Mobile Safari")
TOLD = [
    # what is odd, user agent, headers, reason
    ("nothing", CHROME, {**HINTS, **FETCH}, None),
    ("no hints: plain http, Firefox, Safari", CHROME, FETCH, None),
    ("nothing at all", CHROME, {}, None),
    ("Firefox", FIREFOX, FETCH, None),
    ("Windows", WINDOWS, {**HINTS, "Sec-CH-UA-Platform": '"Windows"'}, None),
    ("another brand", CHROME, {**HINTS, "Sec-CH-UA": '"Opera";v="115", "Chromium";v="131"'}, None),
    ("a brand with a long version", CHROME, {**HINTS, "Sec-CH-UA": '"YaBrowser";v="24.12", "Chromium";v="131"'}, None),
    ("a phone that asks for the desktop's pages", CHROME, {**HINTS, "Sec-CH-UA-Platform": '"Android"'}, None),
    ("a phone", PHONE, {**HINTS, "Sec-CH-UA-Platform": '"Android"', "Sec-CH-UA-Mobile": "?1"}, None),
    ("a browser that claims nothing", "Opera/9.80", HINTS, None),
    ("noise", CHROME, {"Sec-CH-UA": '";v="' * 400, "Sec-CH-UA-Platform": "x" * 4000}, None),
    ("no window", CHROME, {"Sec-CH-UA": '"HeadlessChrome";v="131", "Chromium";v="131"'}, "headless"),
    ("Firefox has no hints", FIREFOX, HINTS, "client_hints"),
    ("Safari has none either", SAFARI, HINTS, "client_hints"),
    ("another version", CHROME, {**HINTS, "Sec-CH-UA": '"Chromium";v="120"'}, "client_hints"),
    ("another system", CHROME, {**HINTS, "Sec-CH-UA-Platform": '"Windows"'}, "client_hints"),
    ("another system, the other way", WINDOWS, {**HINTS, "Sec-CH-UA-Platform": '"macOS"'}, "client_hints"),
    ("an unknown site", CHROME, {**FETCH, "Sec-Fetch-Site": "cross-origin"}, "fetch_metadata"),
    ("an unknown mode", CHROME, {**FETCH, "Sec-Fetch-Mode": "post"}, "fetch_metadata"),
    ("a user who is none", CHROME, {**FETCH, "Sec-Fetch-User": "?0"}, "fetch_metadata"),
]


@pytest.mark.parametrize(("ua", "headers", "reason"), [row[1:] for row in TOLD], ids=[row[0] for row in TOLD])
async def test_headers_that_cannot_all_be_true(collector, monkeypatch, ua, headers, reason):
    """From a public address; a private one is a test of the site's own, or behind a proxy that nobody declared."""
    from tracker.collector import standing as of_standing

    sent = {**ORIGIN, "User-Agent": ua, "Accept-Language": "de", **headers}
    await collector.events(EVENT, headers=sent)
    monkeypatch.setattr(of_standing, "is_public", lambda block: True)
    await collector.events(EVENT, headers=sent)
    assert [record.bot for record in collector.stored()] == ["", reason or ""]


@pytest.mark.parametrize("broken", [b"", b',"x":"\\ud800"'])
async def test_a_browser_that_a_program_steers(collector, monkeypatch, broken):
    from tracker.collector import standing as of_standing

    async def post(driven: bytes) -> None:
        body = b'{"site":"wk","webdriver":%b,"events":[{"type":"track","name":"look","visitor":"v1",' % driven
        body += b'"consent":{"analytics":true}}]%b}' % broken
        answer = await collector.send("/e", body, headers={**ORIGIN, "User-Agent": CHROME, "Accept-Language": "de"})
        assert answer.status == 204

    await post(b"true")
    monkeypatch.setattr(of_standing, "is_public", lambda block: True)
    for driven in (b"true", b"false", b"null"):
        await post(driven)
    assert [record.bot for record in collector.stored()] == ["", "webdriver", "", ""]


async def test_a_busy_block_is_marked(collector, monkeypatch):
    from tracker.collector import standing as of_standing

    monkeypatch.setattr(of_standing, "is_public", lambda block: True)
    collector.app[SERVICE].block_rates = Rates(3)
    human = {**ORIGIN, "User-Agent": CHROME, "Accept-Language": "de"}
    for _ in range(5):
        await collector.events(EVENT, headers=human)
    assert [record.bot for record in collector.stored()] == ["", "", "", "rate", "rate"]


def test_marked_events_are_kept_and_left_out_of_reports(engine: Engine, data: Path) -> None:
    from loading import T0

    road = Road(data, engine)
    road.load([event(1, visitor="v1", ua=CHROME), event(2, visitor="v2", ua=CHROME, bot="no_language")])
    road.load([event(3, visitor="v3", ua="Googlebot/2.1", bot="rate"), event(4, visitor="v4", ua="Googlebot/2.1")])
    assert road.rows("visitor, bot, device") == [
        ("v1", "", "desktop"), ("v2", "no_language", "bot"), ("v3", "rate", "bot"), ("v4", "Googlebot", "bot"),
    ]  # fmt: skip
    site = Site(name="shop", write_key="wk", consent="opt-out")
    definition = define("shop", {"did": {"event": "click"}}, lookup=lambda _id: {})
    found = membership.members(engine, site, definition, T0 + 60_000, limit=10, cursor=None)
    assert [one["person"] for one in found["members"]] == ["v1"]
    asked = {"site": "shop", "from": "2025-01-01T00:00:00Z", "to": "2029-01-01T00:00:00Z"}
    assert overview.run(engine, overview.parse(asked))["totals"]["people"] == 1


def test_a_report_counts_bots_where_a_filter_asks_for_them(engine: Engine, data: Path) -> None:
    from tracker.analytics import funnel, timeseries

    road = Road(data, engine)
    road.load([event(1, visitor="v1"), event(2, visitor="v2", bot="rate"), event(3, visitor="v3", bot="no_language")])
    road.load([event(4, visitor="v2", name="buy", bot="rate", ts=event(1).ts + 50)])
    period = {"site": "shop", "from": "2025-01-01T00:00:00Z", "to": "2029-01-01T00:00:00Z"}

    def clicks(*where: dict[str, Any]) -> int:
        body = {**period, "interval": "month", "event": {"event": "click", "where": list(where)}}
        return sum(int(point["value"]) for point in timeseries.run(engine, timeseries.parse(body))["series"])

    assert clicks() == 1
    assert clicks({"property": "bot", "op": "eq", "value": "rate"}) == 1
    assert clicks({"property": "bot", "op": "exists"}) == 2
    machines = [{"property": "bot", "op": "exists"}]
    steps = [{"event": "click", "where": machines}, {"event": "buy", "where": machines}]
    found = funnel.run(engine, funnel.parse({**period, "steps": steps}))
    assert [step["count"] for step in found["steps"]] == [2, 1]
    plain = funnel.run(engine, funnel.parse({**period, "steps": [{"event": "click"}, {"event": "buy"}]}))
    assert [step["count"] for step in plain["steps"]] == [1, 0]
