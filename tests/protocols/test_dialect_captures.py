"""What the real Snowplow and Matomo clients sent, byte for byte, through the dialect and the road.

The expected events are written out: name, user, visitor, time, value, items.
"""

from __future__ import annotations

import base64
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tracker.collector.loose import name_strangers
from tracker.collector.parsed import Batch
from tracker.collector.protocols import matomo, snowplow
from tracker.collector.road import Context, travel
from tracker.core.event import Event, RawEvent
from tracker.core.identifiers import keys_of
from tracker.core.site import Site

FOLDER = Path(__file__).parent / "captures"
NOW = 1_795_321_800_000
Row = tuple[str, str, str, int, float | None, list[str]]

P, D = "594ba1c2-808d-4741-a3a9-fac7a1e861c4", "35589739-4548-4d97-a3c4-f3bb2d703c00"
SNOWPLOW: dict[str, list[Row]] = {
    "browser-post": [
        ("page_view", "u-1", P, 1795321765987, None, []),
        ("add", "u-1", P, 1795321766006, 2.5, []),
        ("order", "u-1", P, 1795321766006, None, []),
        ("user_engagement", "u-1", P, 1795321770007, None, []),
    ],
    "browser-get": [
        ("page_view", "u-1", D, 1795321772706, None, []),
        ("add", "u-1", D, 1795321772715, 2.5, []),
        ("order", "u-1", D, 1795321772716, None, []),
        ("user_engagement", "u-1", D, 1795321776716, None, []),
    ],
    "node-get": [("page_view", "", "stranger", 1795321736124, None, [])],
    "node-post": [
        ("page_view", "u-1", "", 1795321734612, None, []),
        ("a", "u-1", "", 1795321734618, None, []),
        ("o", "u-1", "", 1795321734618, None, []),
    ],
    "python-post": [
        ("page_view", "u-1", "duid-1", 1795321729867, None, []),
        ("add_to_cart", "u-1", "duid-1", 1795321729867, 2.5, []),
        ("order", "u-1", "duid-1", 1795321729867, 9.5, []),
    ],
    "python-get": [
        ("page_view", "u-1", "duid-1", 1795321729874, None, []),
        ("add_to_cart", "u-1", "duid-1", 1795321729876, 2.5, []),
        ("order", "u-1", "duid-1", 1795321729878, 9.5, []),
    ],
}


def of_matomo_js(visitor: str) -> list[Row]:
    return [
        ("page_view", "u-1", visitor, NOW, None, []),
        ("add", "u-1", visitor, NOW, 2.0, []),
        ("purchase", "u-1", visitor, NOW, 99.5, ["SKU1 Shoe 99.5 1.0"]),
        ("goal", "u-1", visitor, NOW, 5.0, []),
        ("search", "u-1", visitor, NOW, None, []),
        ("user_engagement", "u-1", visitor, NOW, None, []),
    ]


MATOMO: dict[str, list[Row]] = {
    "js": of_matomo_js("ad30c695b4954f6f"),
    "js-get": of_matomo_js("a89c9639f72f2940"),
    "js-beacon": of_matomo_js("d2d207fdbfb236dc"),
    "datapunt-js": [
        ("page_view", "u-1", "de9e2a137f16f220", NOW, None, []),
        ("a", "u-1", "de9e2a137f16f220", NOW, None, []),
    ],
    "tracker-node": [
        ("page_view", "u-1", "", NOW, None, []),
        ("page_view", "", "stranger", NOW, None, []),
        ("act", "", "stranger", NOW, 2.0, []),
    ],
    "import_logs": [
        ("page_view", "", "stranger", 1795168800000, None, []),
        ("page_view", "", "stranger", 1795168830000, None, []),
        ("page_view", "", "stranger", 1795168920000, None, []),
    ],
}


def requests(path: Path) -> list[tuple[str, str, bytes]]:
    """Method, query as sent and body of every request that carries events."""
    found = []
    for sent in json.loads(path.read_text())["requests"]:
        kept = sent["body"] or {}
        wire = kept.get("text", "").encode()
        if "wire_base64" in kept:
            wire = base64.b64decode(kept["wire_base64"])
        elif kept.get("json") is not None:
            wire = json.dumps(kept["json"]).encode()
        if sent["method"] != "OPTIONS" and not wire.startswith(b"module=API"):
            found.append((sent["method"], sent["query_string"], wire))
    return found


def rows(batches: list[Batch], context: Context) -> list[Row]:
    found = []
    for batch in batches:
        for text in batch.texts:
            raw = batch.read(text)
            assert isinstance(raw, RawEvent), raw
            context.received = raw.sent_at or NOW
            event = travel(raw, context, text)
            assert isinstance(event, Event), event
            found.append(event)
    return [
        (
            event.name,
            event.user,
            "stranger" if event.visitor.startswith("log-") else event.visitor,
            event.ts,
            event.value,
            [f"{item['item_id']} {item['item_name']} {item['price']} {item['quantity']}" for item in event.items],
        )
        for event in found
    ]


def context(source: str, **more: Any) -> Context:
    arrivals = itertools.count(1)
    return Context(
        site=Site(name="shop", write_key="k"),
        keys=keys_of("shop", "k", "11" * 32),
        source=source,
        received=NOW,
        arrival=lambda: next(arrivals),
        **more,
    )


@pytest.mark.parametrize("name", SNOWPLOW)
def test_snowplow(name: str) -> None:
    found: list[Row] = []
    for method, query, body in requests(FOLDER / "snowplow" / f"snowplow-{name}.json"):
        batches = snowplow.parse(body) if method == "POST" else snowplow.parse_query(query)
        assert [batch.write_key for batch in batches] == ["shop"]
        for batch in batches:
            batch.read = name_strangers(batch.read, b"k" * 32, "198.51.100.7", "", NOW)
        found += rows(batches, context("snowplow"))
    assert found == SNOWPLOW[name]


@pytest.mark.parametrize("name", MATOMO)
def test_matomo(name: str) -> None:
    found: list[Row] = []
    for _, query, body in requests(FOLDER / "matomo" / f"matomo-{name}.json"):
        asked = matomo.split(query, body)
        assert asked.bulk == (name in ("import_logs", "tracker-node") and bool(body))
        read = matomo.reader(trusted=name == "import_logs", now=NOW)
        read = name_strangers(read, b"k" * 32, "198.51.100.7", "", NOW)
        batches = [Batch(write_key=hits.site, texts=hits.texts, read=read) for hits in asked.hits]
        found += rows(batches, context("matomo", keep_times=True))
    assert found == MATOMO[name]
