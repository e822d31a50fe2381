"""What the real clients of GA4, PostHog, Plausible and Umami sent, byte for byte, and what they meant by it."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracker.collector.body import inflate
from tracker.collector.parsed import Batch
from tracker.collector.protocols import plausible, posthog, umami
from tracker.collector.protocols.ga4 import mp
from tracker.collector.values import pairs
from tracker.core.event import RawEvent

FOLDER = Path(__file__).parent / "captures" / "others"
WEBSITE = "11111111-2222-3333-4444-555555555555"


def requests(name: str) -> Iterator[tuple[str, dict[str, str], dict[str, str], bytes]]:
    """(path, query, headers, body) of every POST, as it was on the wire but inflated."""
    for request in json.loads((FOLDER / f"{name}.json").read_text())["requests"]:
        if request["method"] != "POST" or "/flags" in request["path"]:
            continue
        body = request["body"]
        wire = base64.b64decode(body["wire_base64"]) if "wire_base64" in body else body["text"].encode()
        if wire.startswith(b"\x1f\x8b"):
            wire = inflate(wire, 1_000_000, 31)
        headers = {key.lower(): value for key, value in dict(request["headers"]).items()}
        yield request["path"], pairs(request["query_string"]), headers, wire


def read(name: str) -> list[RawEvent]:
    found: list[RawEvent] = []
    for path, query, headers, wire in requests(name):
        batch: Batch
        if path == "/mp/collect":
            batch, key = mp.parse(wire, query["api_secret"]), "SECRET"
        elif path == "/api/event":
            batch, key = plausible.parse(wire), ""
            assert batch.domains == ("shop.example",)
        elif path == "/api/send":
            batch, key = umami.parse(wire, headers.get("x-umami-cache", "")), WEBSITE
        else:
            batch, key = posthog.parse(wire, query), "phc_test"
        assert batch.write_key == key
        for event in batch.events:
            assert isinstance(event, RawEvent), event
            found.append(event)
    return found


JS = "01a20184-bbba-7e1f-ad2e-e598d29f1684"
CLIENT = "1234567890.1700000000"
# type, name, user, visitor, ms, value, currency
EXPECTED = {
    "ga4-ga4mp-python": [("track", "purchase", None, CLIENT, None, 99.5, "EUR")],
    "plausible-tracker-new": [
        ("page", "page_view", None, None, None, None, None),
        ("track", "sign_up", None, None, None, 9.5, "EUR"),
        ("track", "user_engagement", None, None, None, None, None),
    ],
    "plausible-tracker-old": [
        ("page", "page_view", None, None, None, None, None),
        ("track", "sign_up", None, None, None, None, None),
    ],
    "posthog-js": [
        ("page", "page_view", "u-1", JS, 1_795_321_805_840, None, None),
        ("identify", "", "u-1", JS, 1_795_321_805_822, None, None),
        ("track", "purchase", None, JS, 1_795_321_805_770, 9.5, None),
        ("track", "late event 0", "u-1", JS, 1_795_321_807_832, None, None),
        ("track", "late event 1", "u-1", JS, 1_795_321_807_834, None, None),
        ("track", "late event 2", "u-1", JS, 1_795_321_807_836, None, None),
        ("track", "$autocapture", "u-1", JS, 1_795_321_812_479, None, None),
        ("track", "$pageleave", "u-1", JS, 1_795_321_814_020, None, None),
    ],
    "posthog-node": [
        ("track", "purchase", "u-1", None, 1_795_321_738_008, 9.5, None),
        ("identify", "", "u-1", None, 1_795_321_738_009, None, None),
        ("alias", "", "u-1", None, 1_795_321_738_009, None, None),
        ("group", "", None, "$company_c1", 1_795_321_738_009, None, None),
    ],
    "posthog-python": [
        ("track", "purchase", "u-1", None, 1_795_321_730_141, 9.5, None),
        ("identify", "", "u-1", None, 1_795_321_730_141, None, None),
        ("alias", "", "anon-1", None, 1_795_321_730_142, None, None),
        ("group", "", None, "f5c1b022-6b86-4be9-945d-a8d3bf8323e2", 1_795_321_730_142, None, None),
        ("track", "b", "u-2", None, 1_795_321_730_142, None, None),
    ],
    "posthog-python-gzip": [("track", "x", "u-1", None, 1_795_321_730_148, None, None)],
    "umami-node": [
        ("page", "page_view", None, None, None, None, None),
        ("track", "sign_up", None, None, None, None, None),
        ("identify", "", None, None, None, None, None),
    ],
    "umami-python": [
        ("track", "sign_up", None, None, None, None, None),
        ("page", "page_view", None, None, None, None, None),
    ],
    "umami-script": [
        ("page", "page_view", None, None, None, None, None),
        ("track", "sign_up", None, None, None, None, None),
        ("identify", "", "u-1", None, None, None, None),
        ("track", "buy", "u-1", None, None, None, None),
    ],
}


def test_every_capture_is_expected_to_mean_something() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_every_event_means_what_its_sender_meant(name: str) -> None:
    told = [
        (event.type, event.name, event.user, event.visitor, event.ts, event.value, event.currency)
        for event in read(name)
    ]
    assert told == EXPECTED[name]


def test_posthogs_ids_are_the_senders_and_its_page_has_an_address() -> None:
    page, identify, order, *_ = read("posthog-js")
    assert page.message_id == "01a20184-bc10-7b02-b5c4-4dc5580bffce"
    assert page.url == (
        "http://localhost:8971/page/ph.html?utm_source=news&utm_medium=email&utm_campaign=x&gclid=TEST123"
    )
    assert (page.referrer, page.title, page.language, page.screen) == (
        "https://www.google.com/", "T\u00f6st ph", "de-DE", "1280x720"
    )  # fmt: skip
    assert page.library == "web 1.449.2"
    assert identify.traits["email"] == "a@example.com", "the road takes it out of the traits"
    assert order.props["original_event"] == "order completed"
    assert order.props["$pathname"] == "/page/ph.html"
    assert page.session == order.session == "01a20184-bbe9-7add-b5e5-c3ebb3915ceb"


def test_click_ids_travel_in_the_pages_address_alone() -> None:
    """Where the consent gate decides about them."""
    for event in read("posthog-js"):
        assert "TEST123" not in json.dumps([event.props, event.traits])
        assert "phc_test" not in json.dumps([event.props, event.traits])


def test_aliases_and_groups_of_posthog() -> None:
    [alias] = [event for event in read("posthog-node") if event.type == "alias"]
    assert alias.previous == "an-1"
    [group] = [event for event in read("posthog-node") if event.type == "group"]
    assert (group.group, group.props["$group_type"], group.props["n"]) == ("c1", "company", 1)


def test_plausibles_engagement_and_properties() -> None:
    *_, sign_up, engagement = read("plausible-tracker-new")
    assert sign_up.props == {"plan": "pro", "original_event": "Signup"}
    assert engagement.props == {"original_event": "engagement", "scroll_depth": 100.0, "engagement_time_msec": 5170.0}
    assert read("plausible-tracker-old")[1].props["plan"] == "pro", "properties that are written as text"


def test_umamis_host_and_path_are_an_address() -> None:
    assert read("umami-python")[0].url == "https://shop.example/x"
    assert read("umami-script")[2].traits == {"email": "a@e.com"}


def test_measurement_protocols_purchase() -> None:
    [event] = read("ga4-ga4mp-python")
    assert event.session == "1795321733"
    assert event.props == {"transaction_id": "T1", "engagement_time_msec": 0}
    assert event.message_id == read("ga4-ga4mp-python")[0].message_id is not None
