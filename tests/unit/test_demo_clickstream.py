"""The sample shop's stream against the file it comes from."""

from __future__ import annotations

import gzip
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tracker.core.event import RawEvent
from tracker.demo import clickstream, load
from tracker.demo.catalogue import BY_ID, total
from tracker.demo.journeys import PAGES, event_name

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def original() -> list[RawEvent]:
    return list(clickstream.events())


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    return list(clickstream.rows())


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_every_row_is_one_event(original: list[RawEvent], rows: list[dict[str, str]]) -> None:
    assert len(original) == len(rows) == clickstream.EVENTS == 31_106
    for event, row in zip(original, rows, strict=True):
        assert event.ts == ms(row["timestamp"])
        assert event.session == row["session_id"]
        assert event.name == event_name(row["event"])
        assert event.props["user_lifecycle"] == row["user_lifecycle"]
        assert event.props.get("page") == (
            {"promo_page": "promo", "account_page": "account", "review_page": "review", "error_page": "error"}.get(
                row["event"], row["event"]
            )
            if row["event"] in PAGES
            else None
        )


def test_names_are_ga4s_where_they_mean_the_same(original: list[RawEvent]) -> None:
    counts = Counter(event.name for event in original)
    assert counts["view_item"] == 6851
    assert counts["add_to_cart"] == 1346
    assert counts["add_shipping_info"] == 958
    assert counts["add_payment_info"] == 709
    assert counts["purchase"] == 470
    assert counts["page_view"] == 2762 + 796 + 659 + 406 + 276
    assert counts["checkout_bug"] == 44


def test_the_same_every_time(original: list[RawEvent]) -> None:
    assert list(clickstream.events()) == original
    assert len({event.message_id for event in original}) == len(original)
    assert original[0].message_id == "c8b7515c-6465-5be4-9ff9-39078fabbc1a"


def test_a_shift_moves_times_and_nothing_else(original: list[RawEvent]) -> None:
    moved = list(load(date(2026, 11, 22)))
    assert max(event.ts or 0 for event in moved) // DAY_MS == ms("2026-11-21") // DAY_MS
    differences = {(one.ts or 0) - (other.ts or 0) for one, other in zip(moved, original, strict=True)}
    assert len(differences) == 1
    assert differences.pop() % DAY_MS == 0
    assert [event.message_id for event in moved] == [event.message_id for event in original]


def persons(events: list[RawEvent]) -> list[str]:
    """The identity rule, slowly: a user's events are theirs; a visitor's belong to its first user, or to itself."""
    first: dict[str, tuple[int, str]] = {}
    for event in events:
        if event.user and event.visitor:
            first[event.visitor] = min(first.get(event.visitor, (2**62, "")), (event.ts or 0, event.user))
    return [event.user or first.get(event.visitor or "", (0, event.visitor or ""))[1] for event in events]


def test_a_person_of_the_file_is_a_person_of_the_reports(original: list[RawEvent], rows: list[dict[str, str]]) -> None:
    pairs = {(person, row["user_id"]) for person, row in zip(persons(original), rows, strict=True)}
    assert len(pairs) == 600
    assert len({person for person, _ in pairs}) == len({user for _, user in pairs}) == 600


def test_buyers_are_known_and_some_people_use_several_browsers(original: list[RawEvent]) -> None:
    assert all(event.user for event in original if event.name == "purchase")
    browsers = defaultdict(set)
    for event in original:
        if event.user:
            browsers[event.user].add(event.visitor)
    assert sum(len(found) > 1 for found in browsers.values()) == 180
    assert sum(not event.user for event in original) > 10_000


def test_what_is_sold_is_in_the_catalogue(original: list[RawEvent]) -> None:
    for event in original:
        for item in event.items:
            assert item["price"] == BY_ID[item["item_id"]].price
        if event.name in {"view_item", "add_to_cart", "purchase"}:
            assert event.value == total(event.items) > 0
            assert event.currency == "EUR"
    orders = [event.props["transaction_id"] for event in original if event.name == "purchase"]
    assert len(set(orders)) == len(orders) == 470


def test_a_cart_holds_what_was_put_in_and_is_empty_after_a_purchase(original: list[RawEvent]) -> None:
    carts: dict[str, dict[str, int]] = defaultdict(dict)
    checked = 0
    for event, person in zip(original, persons(original), strict=True):
        bought = {item["item_id"]: item["quantity"] for item in event.items}
        if event.name == "purchase":
            if carts[person]:
                assert bought == carts[person]
                checked += 1
            carts[person].clear()
        elif event.name == "add_to_cart":
            (product,) = bought
            cart = carts[person]
            if product in cart or len(cart) < 5:
                cart[product] = min(cart.get(product, 0) + 1, 3)
    assert checked > 200


def test_the_channel_can_be_read_from_the_landing(original: list[RawEvent], rows: list[dict[str, str]]) -> None:
    seen: set[str] = set()
    for event, row in zip(original, rows, strict=True):
        if row["session_id"] in seen:
            assert "utm_" not in (event.url or "")
            assert (event.referrer or "").startswith("https://halden.example/")
            continue
        seen.add(row["session_id"])
        tags = {key: values[0] for key, values in parse_qs(urlsplit(event.url or "").query).items()}
        host = urlsplit(event.referrer or "").hostname or ""
        expected: dict[str, Any] = {
            "organic": tags.get("utm_medium") is None and host in {"www.google.com", "www.bing.com", "duckduckgo.com"},
            "paid_search": tags.get("utm_medium") == "cpc" and ("gclid" in tags or "msclkid" in tags),
            "email": tags.get("utm_medium") == "email",
            "social": host in {"www.instagram.com", "www.facebook.com", "www.tiktok.com"},
            "direct": not host and not any(key.startswith("utm_") for key in tags),
        }
        assert expected[row["acquisition_channel"]], (row, event.url, event.referrer)
    assert len(seen) == 3605


def test_consent_differs_from_person_to_person(original: list[RawEvent]) -> None:
    by_person = dict(zip(persons(original), original, strict=True))
    counts = Counter(event.consent.ads for event in by_person.values() if event.consent)
    assert set(counts) == {True, False, None}
    assert counts[True] > 300
    assert counts[False] > 80
    assert counts[None] > 40
    assert all(event.consent and event.consent.analytics for event in original)


def test_nobody_real_is_in_it(original: list[RawEvent]) -> None:
    mails = {event.traits["email"] for event in original if "email" in event.traits}
    assert len(mails) > 300
    assert all(mail.endswith("@example.com") for mail in mails)
    assert all((event.ip or "").endswith(".0") for event in original)


def test_the_file_ships_with_its_licence() -> None:
    folder = clickstream.FILE.parent
    assert "Apache License" in (folder / "LICENSE").read_text()
    assert "Retentioneering" in (folder / "NOTICE").read_text()
    with gzip.open(clickstream.FILE, "rt") as text:
        assert text.readline().startswith("user_id,session_id,event,timestamp")
