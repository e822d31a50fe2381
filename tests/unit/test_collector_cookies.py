"""The collector over HTTP: consent, the visitor's cookie, and the picture."""

import pytest
from collector_http import ORIGIN, event

from tracker.core.event import Event, Suppressed


async def test_consent_over_http(collector):
    silent = event()
    del silent["consent"]
    assert (await collector.events(silent, headers=ORIGIN)).status == 204
    assert [type(record) for record in collector.stored()] == [Suppressed]
    await collector.events(silent)  # a server's call
    await collector.events(event(), headers=ORIGIN | {"Sec-GPC": "1"})
    await collector.events(event(), headers=ORIGIN | {"Sec-GPC": "yes"})
    _, server, gpc, no_gpc = collector.stored()
    assert (server.mode, server.ads) == ("M2", -1)
    assert (gpc.mode, gpc.ads, gpc.gpc) == ("M2", 0, 1)
    assert (no_gpc.mode, no_gpc.gpc) == ("M4", 0)


async def test_the_cookie_follows_the_visitor(collector):
    first = await collector.events(event(), headers=ORIGIN)
    [cookie] = first.headers.getall("Set-Cookie")
    assert cookie == "jt_vid=visitor-1; Path=/; Max-Age=33696000; HttpOnly; SameSite=Lax"
    again = await collector.events(event(), headers=ORIGIN | {"Cookie": "jt_vid=visitor-1"})
    assert "Set-Cookie" not in again.headers  # never prolonged
    changed = await collector.events(event(visitor="visitor-2"), headers=ORIGIN | {"Cookie": "jt_vid=visitor-1"})
    assert "jt_vid=visitor-2" in changed.headers["Set-Cookie"]
    server = await collector.events(event())
    assert "Set-Cookie" not in server.headers


async def test_a_fresh_visitor_gives_way_to_the_cookie(collector):
    headers = ORIGIN | {"Cookie": "jt_vid=visitor-0"}
    answer = await collector.events(event(), fresh=True, headers=headers)
    assert answer.headers["X-Visitor"] == "visitor-0"
    assert collector.stored()[0].visitor == "visitor-0"


async def test_a_browser_without_a_visitor_gets_one(collector):
    answer = await collector.events(event(visitor=None), event(visitor=None), headers=ORIGIN)
    first, second = collector.stored()
    assert first.visitor == second.visitor == answer.headers["X-Visitor"]
    assert first.visitor in answer.headers["Set-Cookie"]


async def test_before_consent_there_is_no_cookie_and_after_refusal_it_goes(collector):
    refused = event(consent={"analytics": False, "ads": False})
    answer = await collector.events(refused, headers=ORIGIN)
    assert "Set-Cookie" not in answer.headers
    answer = await collector.events(refused, headers=ORIGIN | {"Cookie": "jt_vid=visitor-1"})
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    withdrawn = event(type="consent", name="", consent={"analytics": False, "ads": False})
    answer = await collector.events(withdrawn, headers=ORIGIN | {"Cookie": "jt_vid=visitor-1"})
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert [type(record) for record in collector.stored()] == [Suppressed, Suppressed, Event]


async def test_a_signal_without_consent_takes_the_cookie_away(collector):
    """P-34: Global Privacy Control where consent is asked for is a refusal; waiting for an answer is none."""
    silent = event(consent={})
    waiting = await collector.events(silent, headers=ORIGIN | {"Cookie": "jt_vid=visitor-1"})
    assert "Set-Cookie" not in waiting.headers
    signalled = await collector.events(silent, headers=ORIGIN | {"Cookie": "jt_vid=visitor-1", "Sec-GPC": "1"})
    assert "Max-Age=0" in signalled.headers["Set-Cookie"]


async def test_cookies_over_https(start):
    collector = await start(https=True)
    answer = await collector.events(event(), headers=ORIGIN)
    assert answer.headers["Set-Cookie"].startswith("__Host-jt_vid=visitor-1; Path=/;")
    assert answer.headers["Set-Cookie"].endswith("; Secure")


EMBEDDED = {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "empty"}


def pair(answer) -> str:
    """What a browser sends back of the one cookie that was set."""
    [header] = answer.headers.getall("Set-Cookie")
    return header.partition(";")[0]


async def test_an_embedded_collector_sets_a_partitioned_cookie(start):
    """P-32: from a page of another registrable domain a first-party cookie is refused."""
    collector = await start(https=True)
    first = await collector.events(event(), headers=EMBEDDED)
    name, _, rest = first.headers["Set-Cookie"].partition("=visitor-1.")
    assert name == "__Host-jt_pvid"
    assert rest.partition(";")[2] == " Path=/; Max-Age=33696000; HttpOnly; SameSite=None; Secure; Partitioned"
    again = await collector.events(event(), headers=EMBEDDED | {"Cookie": f"a=b; {pair(first)}"})
    assert "Set-Cookie" not in again.headers  # never prolonged
    lost = await collector.events(event(visitor="visitor-9"), fresh=True, headers=EMBEDDED | {"Cookie": pair(first)})
    assert lost.headers["X-Visitor"] == "visitor-1"
    assert [record.visitor for record in collector.stored()] == ["visitor-1"] * 3


async def test_a_partitioned_cookie_joins_no_sites(start):
    """A browser that keeps it for all sites on top alike brings another site's: that is nobody here."""
    collector = await start(https=True)
    first = await collector.events(event(), headers=EMBEDDED)
    there = await collector.events(
        event(visitor="visitor-9"), fresh=True, site="wk-open", headers=EMBEDDED | {"Cookie": pair(first)}
    )
    assert pair(there).startswith("__Host-jt_pvid=visitor-9.")
    assert pair(there).rpartition(".")[2] != pair(first).rpartition(".")[2]
    own = await collector.events(event(visitor="visitor-8"), fresh=True, headers=ORIGIN | {"Cookie": pair(first)})
    assert pair(own) == "__Host-jt_vid=visitor-8"


async def test_a_refusal_expires_the_partitioned_cookie(start):
    collector = await start(https=True)
    cookie = pair(await collector.events(event(), headers=EMBEDDED))
    refused = event(consent={"analytics": False, "ads": False})
    answer = await collector.events(refused, headers=EMBEDDED | {"Cookie": cookie})
    gone = [header for header in answer.headers.getall("Set-Cookie") if header.startswith("__Host-jt_pvid=;")]
    assert gone == ["__Host-jt_pvid=; Path=/; Max-Age=0; HttpOnly; SameSite=None; Secure; Partitioned"]


@pytest.mark.parametrize(
    ("https", "headers"),
    [
        (False, {}),
        (True, {"Sec-Fetch-Site": "same-site"}),
        (True, {"Sec-Fetch-Dest": "document"}),  # whoever follows a link to us
    ],
)
async def test_elsewhere_the_cookie_is_a_first_party_one(start, https, headers):
    collector = await start(https=https)
    answer = await collector.events(event(), headers=EMBEDDED | headers)
    assert "SameSite=Lax" in answer.headers["Set-Cookie"]
    assert "Partitioned" not in answer.headers["Set-Cookie"]


async def test_the_gif_is_always_a_picture(collector):
    good = await collector.send("/e.gif?site=wk&name=mail+open&visitor=v1&analytics=1&ads=0&props.a=b", method="GET")
    bad = await collector.send("/e.gif?site=unknown", method="GET")
    for answer in (good, bad):
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "image/gif"
        assert (answer.body).startswith(b"GIF89a")
        assert "no-store" in answer.headers["Cache-Control"]
    [record] = collector.stored()
    assert (record.name, record.props, record.ads) == ("mail open", {"a": "b"}, 0)


async def test_a_picture_in_a_browser_needs_consent(collector):
    headers = {"Referer": "https://shop.example/", "User-Agent": "Mozilla/5.0"}
    await collector.send("/e.gif?site=wk&visitor=v1", method="GET", headers=headers)
    await collector.send("/e.gif?site=wk&analytics=1", method="GET", headers=headers)
    suppressed, kept = collector.stored()
    assert isinstance(suppressed, Suppressed)
    assert (kept.name, len(kept.visitor)) == ("page_view", 36)
