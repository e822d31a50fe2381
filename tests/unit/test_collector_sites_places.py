import time
from ipaddress import ip_address, ip_network

import msgspec
import pytest

from tracker.collector.consent import Region
from tracker.collector.place import NOWHERE, Places, _codes, block, client_address, truncate
from tracker.collector.sites import Sites, allows
from tracker.core.site import Site, SitesFile


def put(path, *sites: Site) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(SitesFile(sites=sites)))
    new.rename(path)


@pytest.mark.parametrize(
    ("domains", "origin", "allowed"),
    [
        ((), "https://anything.example", True),
        (("x.example",), "https://x.example", True),
        (("x.example",), "http://x.example:8080", True),
        (("X.Example",), "https://www.x.EXAMPLE", True),
        (("x.example",), "https://x.example.", True),
        (("x.example",), "https://notx.example", False),
        (("x.example",), "https://x.example.org", False),
        (("x.example",), "https://x.example@evil.org", False),
        (("www.x.example",), "https://x.example", False),
        (("localhost",), "http://localhost:3000", True),
        (("x.example",), "null", False),
        (("x.example",), "", False),
        (("x.example",), "https://[", False),
    ],
)
def test_allows(domains, origin, allowed):
    assert allows(domains, origin) is allowed


def test_a_new_site_is_found_at_once_and_a_deleted_one_is_gone(tmp_path):
    path = tmp_path / "sites.json"
    sites = Sites(path)
    assert not sites.readable
    assert sites.get("a") is None
    put(path, Site(name="one", write_key="a"))
    assert sites.get("a").site.name == "one"
    assert sites.readable
    put(path, Site(name="two", write_key="b"))
    assert sites.get("b").site.name == "two"
    assert sites.get("a") is None
    assert sites.get("") is None


def test_a_changed_site_is_noticed_within_a_second(tmp_path, monkeypatch):
    path = tmp_path / "sites.json"
    put(path, Site(name="one", write_key="a"))
    sites = Sites(path)
    assert sites.get("a").site.consent == "opt-in"
    put(path, Site(name="one", write_key="a", consent="opt-out"))
    later = time.monotonic() + 1.5
    monkeypatch.setattr("tracker.collector.sites.time.monotonic", lambda: later)
    assert sites.get("a").site.consent == "opt-out"


@pytest.mark.parametrize(
    "broken", ["{", '{"sites":7}', '{"sites":[{"name":"x","write_key":"y","identifier_key":"zz"}]}']
)
def test_a_broken_file_keeps_the_last_good_one(tmp_path, broken):
    path = tmp_path / "sites.json"
    put(path, Site(name="one", write_key="a"))
    sites = Sites(path)
    path.write_text(broken)
    assert sites.get("unknown") is None
    assert sites.get("a").site.name == "one"


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("2001:db8:1234:5678:9abc::1", "2001:db8:1234::"),
        ("127.0.0.1", "127.0.0.0"),
    ],
)
def test_truncate(address, kept):
    assert truncate(ip_address(address)) == kept
    assert Places(None).find(address).ip == kept


def test_addresses_that_are_none():
    assert Places(None).find("") == NOWHERE
    assert Places(None).find("unix:") == NOWHERE
    assert Places(None).find("::ffff:203.0.113.77").ip == "203.0.113.0"


TRUSTED = (ip_network("10.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.1", "1.1.1.1", "203.0.113.1"),  # not a proxy of ours: not believed
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "203.0.113.1", "203.0.113.1"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.1, 10.0.0.9", "203.0.113.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.9", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.1, junk", "10.0.0.1"),
        ("::1", "[2001:db8::1]", "2001:db8::1"),
        ("10.0.0.1", "203.0.113.1:4711", "203.0.113.1"),
        ("::1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", ",,,", "10.0.0.1"),
        ("10.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("10.0.0.1", "203.0.113.1, 10.0.0.2:99", "203.0.113.1"),
        ("10.0.0.1", "6.6.6.6, unknown, 10.0.0.2", "10.0.0.1"),
    ],
)
def test_client_address(peer, forwarded, client):
    assert client_address(peer, forwarded, TRUSTED) == client


@pytest.mark.parametrize(
    ("forwarded", "standard", "client"),
    [
        (None, "for=203.0.113.1", "203.0.113.1"),
        (None, 'proto=https;For="203.0.113.1:99";by=10.0.0.1, for=10.0.0.2', "203.0.113.1"),
        (None, 'for="[2001:db8::1]:99"', "2001:db8::1"),
        (None, "for=6.6.6.6, for=_hidden", "10.0.0.1"),
        (None, "by=203.0.113.1", "10.0.0.1"),
        ("203.0.113.1", "for=203.0.113.1", "203.0.113.1"),
        ("203.0.113.1", "for=6.6.6.6", "10.0.0.1"),  # one of them is the client's own
    ],
)
def test_the_two_headers_of_proxies(forwarded, standard, client):
    assert client_address("10.0.0.1", forwarded, TRUSTED, standard) == client
    assert client_address("203.0.113.9", forwarded, TRUSTED, standard) == "203.0.113.9"


@pytest.mark.parametrize(
    ("address", "expected"),
    [("203.0.113.77", "203.0.113.0"), ("2001:db8:1:2::3", "2001:db8:1::"), ("", ""), ("unix:", "unix:")],
)
def test_blocks(address, expected):
    assert block(address) == expected


@pytest.mark.parametrize(
    ("found", "codes"),
    [
        ({"country": {"iso_code": "US"}, "subdivisions": [{"iso_code": "CA"}]}, ("US", "CA")),
        ({"country": {"iso_code": "DE"}}, ("DE", "")),
        ({"country_code": "FR"}, ("FR", "")),
        ({"country": {}}, ("", "")),
        ({}, ("", "")),
    ],
)
def test_both_layouts_of_country_files(found, codes):
    assert _codes(found) == codes


def test_an_unknown_place_is_an_unknown_region():
    assert Places(None).find("203.0.113.77").region is Region.UNKNOWN
