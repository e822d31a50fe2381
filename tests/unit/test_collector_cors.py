"""Which page may send, and which may read the answer: a table."""

from __future__ import annotations

import pytest
from collector_http import event, put_sites

from tracker.core.site import Site

SHOP = Site(name="shop", write_key="wk", domains=("shop.example",), consent="opt-out")
NEWS = Site(name="news", write_key="wk-news", domains=("news.example",), consent="opt-out")
MINE, SUB, OTHER, EVIL = (
    "https://shop.example",
    "https://www.shop.example:8443",
    "https://news.example",
    "https://evil.example",
)
GOOD = {"site": "wk", "events": [event()]}
BATCH = {"writeKey": "wk", "batch": [{"type": "track", "event": "x", "userId": "u"}]}


@pytest.fixture
async def collector(start, tmp_path):
    made = await start()
    put_sites(tmp_path, SHOP, NEWS)
    await made.send("/e", {"site": "look again", "events": []})
    return made


TABLE = [
    # path, body, origin, status, readable, stored
    ("/e", GOOD, MINE, 204, True, 1),
    ("/e", GOOD, SUB, 204, True, 1),
    ("/e", GOOD, None, 204, False, 1),
    ("/e", GOOD, OTHER, 403, False, 0),
    ("/e", GOOD, EVIL, 403, False, 0),
    ("/e", GOOD, "null", 403, False, 0),
    ("/e", GOOD, "https://shop.example.evil.example", 403, False, 0),
    ("/e", GOOD, "https://evilshop.example", 403, False, 0),
    ("/e", GOOD, "https://shop.example@evil.example", 403, False, 0),
    ("/e", {"site": "nobody", "events": []}, MINE, 401, True, 0),
    ("/e", {"site": "nobody", "events": []}, EVIL, 401, False, 0),
    ("/e", b"{", MINE, 400, True, 0),
    ("/e", b"{", EVIL, 400, False, 0),
    ("/e", b" " * 1_000_001, MINE, 413, True, 0),
    ("/v1/batch", BATCH, MINE, 200, True, 1),
    ("/v1/batch", BATCH, OTHER, 403, False, 0),
    ("/v1/batch", BATCH, EVIL, 403, False, 0),
    ("/nope", b"", MINE, 404, True, 0),
    ("/nope", b"", EVIL, 404, False, 0),
]


@pytest.mark.parametrize(("path", "body", "origin", "status", "readable", "stored"), TABLE, ids=range(len(TABLE)))
async def test_who_may_send_and_who_may_read(collector, path, body, origin, status, readable, stored):  # noqa: PLR0917
    answer = await collector.send(path, body, headers={} if origin is None else {"Origin": origin})
    assert answer.status == status
    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if readable else None)
    assert ("Access-Control-Allow-Credentials" in answer.headers) is readable
    assert ("Origin" in answer.headers.get("Vary", "")) is readable
    assert len(collector.stored()) == stored


@pytest.mark.parametrize(
    ("origin", "status"), [(MINE, 204), (SUB, 204), (OTHER, 204), (EVIL, 403), ("null", 403), ("", 403), (None, 403)]
)
async def test_preflights(collector, origin, status):
    """Which site is meant is not known yet: any site's page may ask, and is told no by the request itself."""
    headers = {"Access-Control-Request-Method": "POST"} | ({} if origin is None else {"Origin": origin})
    answer = await collector.send("/e", method="OPTIONS", headers=headers)
    assert answer.status == status
    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if status == 204 else None)


@pytest.mark.parametrize(
    "path", ["/p.js?site=wk", "/e.gif?site=wk&visitor=v", "/healthz", "/metrics", "/r/x", "/o/x.gif"]
)
async def test_what_everybody_may_load_is_never_open_to_credentials(collector, path):
    answer = await collector.send(path, method="GET", headers={"Origin": EVIL})
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_a_picture_for_a_foreign_page_stores_nothing_and_says_nothing(collector):
    answer = await collector.send("/e.gif?site=wk&visitor=v", method="GET", headers={"Origin": EVIL})
    assert answer.status == 200
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert collector.stored() == []


async def test_a_captured_request_counts_once_by_its_id(collector):
    """Sent again it is on disk again, under the same id: the loader counts an id once (docs/reliability.md, 7)."""
    body = {"site": "wk", "events": [event(id="1f30fea0-e776-48d6-8414-fb22bc9cfc5c")]}
    for _ in range(3):
        assert (await collector.send("/e", body)).status == 204
    assert {record.id for record in collector.stored()} == {"1f30fea0-e776-48d6-8414-fb22bc9cfc5c"}
