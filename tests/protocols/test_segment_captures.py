"""What the real libraries sent, byte for byte, through the dialect and the road."""

import base64
import itertools
import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tracker.collector.body import inflate
from tracker.collector.protocols import segment
from tracker.collector.road import Context, travel
from tracker.core.event import Event, RawEvent
from tracker.core.identifiers import keys_of
from tracker.core.site import Site

FOLDER = Path(__file__).parent / "captures"
FILES = sorted(FOLDER.glob("*.json"))


def calls(path: Path) -> list[tuple[str, bytes, dict]]:
    """(call, body as sent, request) of every request that carries events."""
    found = []
    for request in json.loads(path.read_text())["requests"]:
        call = request["path"].rpartition("/")[2]
        if request["method"] != "POST" or call not in segment.PATHS:
            continue
        body = request["body"]
        wire = base64.b64decode(body["wire_base64"]) if "wire_base64" in body else body["text"].encode()
        if wire.startswith(b"\x1f\x8b"):
            wire = inflate(wire, 1_000_000, 31)
        found.append((call, wire, request))
    return found


def messages(wire: bytes) -> list[dict]:
    body = json.loads(wire)
    return body.get("batch", [body])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_message_becomes_an_event(path):
    seen = 0
    arrivals = itertools.count(1)
    context = Context(
        site=Site(name="shop", write_key="k"),
        keys=keys_of("shop", "k", "11" * 32),
        source="segment",
        received=1_795_321_800_000,
        arrival=lambda: next(arrivals),
    )
    for call, wire, request in calls(path):
        batch = segment.parse(wire, segment.PATHS[call], "k")
        sent = messages(wire)
        assert len(batch.events) == len(sent)
        for raw, message in zip(batch.events, sent, strict=True):
            assert isinstance(raw, RawEvent), raw
            assert raw.message_id == message["messageId"]
            assert raw.user == (message.get("userId") or None)
            assert raw.visitor == (message.get("anonymousId") or None)
            event = travel(raw, context)
            assert isinstance(event, Event), event
            assert event.type == message["type"]
            assert abs(event.ts - 1_795_321_730_000) < 120_000
            assert b"example.com" not in json.dumps(event.traits).encode()
            seen += 1
        if request["query_string"]:
            assert parse_qs(request["query_string"])["writeKey"]
    assert seen > 0


def load(name: str) -> list[RawEvent]:
    return [
        raw
        for call, wire, _ in calls(FOLDER / f"{name}.json")
        for raw in segment.parse(wire, segment.PATHS[call], "").events
    ]


def test_a_browsers_page_call():
    page = next(raw for raw in load("segment-browser-analytics-next") if raw.type == "page")
    assert page.url.startswith("http://localhost:8971/page/seg.html?utm_source=news")
    assert page.referrer == "https://www.google.com/"
    assert page.title == "T\u00f6st seg"
    assert page.name == "Home"
    assert page.props["x"] == 1
    assert "url" not in page.props
    assert page.language == "de-DE"
    assert page.library == "analytics.js npm:next-1.84.3"


def test_an_order_becomes_a_purchase():
    [order] = [raw for raw in load("segment-node") if raw.name == "purchase"]
    assert order.value == 9.5
    assert order.props == {"order_id": "o1", "original_event": "Order Completed"}


def test_rudders_identify_takes_its_traits_from_the_context():
    [identify] = [raw for raw in load("rudder-python") if raw.type == "identify"]
    assert identify.traits == {"email": "a@example.com"}
    [alias] = [raw for raw in load("rudder-python") if raw.type == "alias"]
    assert alias.previous == "anon"
