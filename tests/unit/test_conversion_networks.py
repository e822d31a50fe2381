"""Every conversions API's requests, held against golden ones that were checked with the networks' documentation.

`python tests/unit/test_conversion_networks.py` writes them anew; read the difference before you keep it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

from test_networks import FULL, NOBODY, PHONE, TERMS

from tracker.audiences.conversions.spec import parse
from tracker.core.errors import BadRequest
from tracker.networks import Member
from tracker.networks.conversions import CONVERSIONS, Happened, Item
from tracker.networks.conversions.accounts import CONVERSION_ACCOUNTS
from tracker.networks.conversions.conversion import DAY_MS

GOLDEN = Path(__file__).parents[1] / "golden" / "conversions"
NOW = TERMS.now_ms
CLICKS = {
    "gclid": (NOW - 2 * DAY_MS, "Cj0KCQ"),
    "gbraid": (NOW - DAY_MS, "0AAAA"),
    "fbclid": (NOW - 2 * DAY_MS, "IwAR0x"),
    "ttclid": (NOW - 2 * DAY_MS, "E.C.P.x"),
    "li_fat_id": (NOW - 2 * DAY_MS, "df5gf5-gh6t7"),
}


def bought(name: str) -> Happened:
    return Happened(
        id="6f1c9a3e-8f0e-4c3d-9a55-2f0c5a4e1d10",
        name=name,
        ts=NOW - DAY_MS,
        url="https://shop.example/thanks?email=x&fbclid=IwAR0x#top",
        value=59.9,
        currency="eur",
        order="A-1001",
        items=(Item("sku-1", "Blue shirt", "Shirts", 19.95, 2.0), Item("sku-2", price=20.0)),
        clicks=CLICKS,
    )


def plain(name: str) -> Happened:
    """Nothing but that it happened; a value without a currency is none."""
    return Happened(id="e2", name=name, ts=NOW - 2 * DAY_MS, value=5.0)


def names(network: str) -> tuple[str, str]:
    return ("123456789", "987654321") if CONVERSIONS[network].ids else ("Purchase", "Lead")


def requests_of(network: str, *, test: bool) -> bytes:
    conversion = CONVERSIONS[network]
    first, second = names(network)
    events = [(bought(first), FULL), (plain(second), PHONE), (plain(first), NOBODY), (bought(second), NOBODY)]
    rows = [(row, True) for event, member in events if (row := conversion.encoded(event, member))]
    found = list(conversion.as_network(test=test).requests("add", rows, TERMS))
    return msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n"


@pytest.mark.parametrize("network", list(CONVERSIONS))
def test_the_requests_are_the_golden_ones(network):
    assert requests_of(network, test=False) == (GOLDEN / f"{network}.requests.json").read_bytes()


@pytest.mark.parametrize("network", [name for name, one in CONVERSIONS.items() if one.tests])
def test_a_try_says_so_and_is_the_same_otherwise(network):
    said, tried = (msgspec.json.decode(requests_of(network, test=test)) for test in (False, True))
    for one, other in zip(said, tried, strict=True):
        marks = {"validateOnly": True} if network == "google_conversions" else {"test_event_code": "{TEST_EVENT_CODE}"}
        assert other["body"] == one["body"] | marks != one["body"]


@pytest.mark.parametrize("network", list(CONVERSIONS))
def test_who_cannot_be_recognised_is_not_in_it_unless_a_click_says_who(network):
    conversion, (name, _) = CONVERSIONS[network], names(network)
    assert conversion.encoded(plain(name), NOBODY) == ()
    assert conversion.encoded(bought(name), NOBODY) != ()


@pytest.mark.parametrize(
    ("network", "days", "clicked", "too_old"),
    [
        ("meta_conversions", 6.99, True, False), ("meta_conversions", 7.01, True, True),
        ("tiktok_conversions", 27.9, True, False), ("tiktok_conversions", 28.1, True, True),
        ("linkedin_conversions", 89.9, False, False), ("linkedin_conversions", 90.1, False, True),
        ("google_conversions", 89.9, True, False), ("google_conversions", 63.1, False, True),
        ("google_conversions", 62.9, False, False), ("google_conversions", 90.1, True, True),
    ],
)  # fmt: skip
def test_nothing_is_older_than_the_network_takes(network, days, clicked, too_old):
    event = Happened(id="e", name="1", ts=NOW - round(days * DAY_MS), clicks=CLICKS if clicked else {})
    assert CONVERSIONS[network].too_old(event, NOW) is too_old


@pytest.mark.parametrize(("network", "most"), [
    ("google_conversions", 2_000), ("meta_conversions", 1_000), ("tiktok_conversions", 1_000),
    ("linkedin_conversions", 5_000),
])  # fmt: skip
def test_no_request_is_larger_than_the_network_takes(network, most):
    conversion = CONVERSIONS[network]
    row = conversion.encoded(bought(names(network)[0]), FULL)
    sizes = []
    for request in conversion.as_network(test=False).requests("add", [(row, True)] * (most + 1), TERMS):
        [events] = [request.body[key] for key in ("data", "events", "elements") if key in request.body]
        sizes.append(len(events))
    assert sizes == [most, 1]


def test_a_hash_that_was_given_is_passed_on_as_it_is():
    given = Member({"email.given": "ab" * 32})
    told = msgspec.json.decode(CONVERSIONS["meta_conversions"].encoded(plain("Lead"), given)[1])
    assert told["user_data"] == {"em": ["ab" * 32]}


@pytest.mark.parametrize(
    ("network", "events", "event_id", "field"),
    [
        ("meta_conversions", [{"event": "my_own"}], "id", "events[0].send_as"),
        ("google_conversions", [{"event": "purchase"}], "id", "events[0].send_as"),
        ("google_conversions", [{"event": "purchase", "send_as": "Purchase"}], "id", "events[0].send_as"),
        ("meta_conversions", [{"event": "purchase", "as": "x"}], "id", "events[0].as"),
        ("meta_conversions", [{"event": "purchase"}], "url", "event_id"),
        ("meta_conversions", [], "id", "events"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_field(network, events, event_id, field):
    with pytest.raises(BadRequest) as refused:
        parse(CONVERSIONS[network], events, event_id)
    assert refused.value.field == field


def test_every_conversions_api_has_an_account():
    assert set(CONVERSION_ACCOUNTS) == set(CONVERSIONS)
    for name, one in CONVERSIONS.items():
        assert one.test_id in ("", *CONVERSION_ACCOUNTS[name].maybe)


def test_the_table_in_the_docs_is_what_the_code_does():
    page = (Path(__file__).parents[2] / "docs" / "conversions.md").read_text()
    for name, one in CONVERSIONS.items():
        forms = [form for column in one.columns for form in column.forms]
        days = f"{one.days} days" + (f"; {one.days_without_click} without a click id" if one.days_without_click else "")
        assert f"| `{name}` | {days} | {one.batch} | {', '.join([*forms, *one.clicks])} |" in page


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for network in CONVERSIONS:
        (GOLDEN / f"{network}.requests.json").write_bytes(requests_of(network, test=False))
