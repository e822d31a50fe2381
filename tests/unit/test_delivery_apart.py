"""A request that is refused for some of its items: the others get through, and no item is lost or asked about twice."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.audiences.delivery.apart import refused
from tracker.core.errors import Refused
from tracker.networks import Request
from tracker.networks.accounts import Reading
from tracker.networks.conversions.accounts import CONVERSION_ACCOUNTS

WHY = "the network refuses: code 100"


class Network:
    """Takes a request whole or not at all; `names`: it says which items are wrong, at most so many."""

    def __init__(self, bad: set[int], names: int = 0) -> None:
        self.bad, self.names = bad, names
        self.taken: Counter[int] = Counter()
        self.asked = 0

    def ask(self, request: Request) -> Reading:
        self.asked += 1
        items = request.body["data"]
        wrong = [at for at, item in enumerate(items) if item in self.bad]
        if wrong:
            return Reading(False, why=WHY, content=True, items=dict.fromkeys(wrong[: self.names], WHY))
        self.taken.update(items)
        return Reading(True)


def request(size: int) -> Request:
    return Request("POST", "https://network.example/events", {}, {"data": list(range(size)), "source": "web"})


@given(size=st.integers(1, 200), bad=st.sets(st.integers(0, 199)), names=st.sampled_from([0, 1, 20, 1000]))
def test_whoever_is_wrong_the_others_are_taken(size: int, bad: set[int], names: int) -> None:
    here = {one for one in bad if one < size}
    network = Network(here, names)
    good = set(range(size)) - here
    try:
        reasons = refused(network.ask, request(size), "data")
    except Refused:
        sampled = names == 0 and len(here) >= size // 3
        assert not good or sampled, (size, here)
        return
    assert set(network.taken) == good and reasons.total() == len(here)
    assert network.asked <= 2 * size + 16


def test_one_bad_event_among_a_thousand_costs_a_score_of_requests() -> None:
    network = Network({617})
    assert refused(network.ask, request(1000), "data") == {WHY: 1}
    assert network.asked <= 21 and set(network.taken.values()) == {1}


def test_where_the_first_five_hundred_are_wrong_the_others_still_get_through() -> None:
    network = Network(set(range(500)))
    assert refused(network.ask, request(1000), "data").total() == 500
    assert set(network.taken) == set(range(500, 1000))


def test_a_wrong_setting_is_not_asked_about_event_by_event() -> None:
    network = Network(set(range(1000)))
    with pytest.raises(Refused, match="code 100"):
        refused(network.ask, request(1000), "data")
    assert network.asked < 60


def test_credentials_that_are_refused_say_so_at_once() -> None:
    asked = []

    def ask(one: Request) -> Reading:
        asked.append(one)
        return Reading(False, why="the network does not take these credentials")

    with pytest.raises(Refused, match="credentials"):
        refused(ask, request(10), "data")
    assert len(asked) == 1 and asked[0].body["source"] == "web"


def test_google_s_names_of_fields_are_passed_on_and_not_what_was_in_them() -> None:
    body = {
        "error": {
            "code": 400,
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [
                        {
                            "field": "events.events[3].user_data.user_identifiers[0].email_address",
                            "description": "jane@example.com is no hash",
                            "reason": "INVALID_HEX_ENCODING",
                        },
                        {"field": "events.events[5].event_timestamp", "reason": "jane@example.com"},
                        {"field": "destinations[0].product_destination_id", "reason": "NOT_FOUND"},
                    ],
                }
            ],
        }
    }
    reading = CONVERSION_ACCOUNTS["google_conversions"].read(400, body)
    assert reading.content and dict(reading.items) == {
        3: "the network refuses user_data.user_identifiers.email_address: INVALID_HEX_ENCODING",
        5: "the network refuses event_timestamp",
    }
