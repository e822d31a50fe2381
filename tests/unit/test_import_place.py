"""The country without a database of one's own: for reports, never for consent."""

from __future__ import annotations

import pytest

from tracker.collector.consent import Region
from tracker.collector.place import NOWHERE, Places
from tracker.demo import people


@pytest.mark.parametrize(
    ("address", "kept", "country"),
    [
        ("8.8.8.8", "8.8.8.0", "US"),
        ("193.0.6.139", "193.0.6.0", "NL"),
        ("2001:67c:2e8:22::c100:68b", "2001:67c:2e8::", "NL"),
        ("10.1.2.3", "10.1.2.0", ""),
        ("::ffff:8.8.8.8", "8.8.8.0", "US"),
    ],
)
def test_country_by_registration_leaves_the_region_unknown(address: str, kept: str, country: str) -> None:
    assert Places(None).find(address) == (kept, country, Region.UNKNOWN, False)


def test_what_is_no_address_is_nowhere() -> None:
    assert Places(None).find("shop.example") == NOWHERE


def test_the_sample_shops_people_live_where_they_say() -> None:
    places = Places(None)
    users = [f"user_{number}" for number in range(200)]
    right = sum(places.find(people.address(user)).country == people.place(user).country for user in users)
    assert right >= 180
