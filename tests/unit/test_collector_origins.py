"""The collector over HTTP: which pages may send, and whose address counts behind a proxy."""

from pathlib import Path

import maxminddb
import pytest
from collector_http import ORIGIN, SHOP, event, put_sites

from tracker.collector.endpoints import SERVICE
from tracker.core.site import Site


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://shop.example", 204),
        ("https://a.b.shop.example:8443", 204),
        ("https://SHOP.example", 204),
        ("https://evilshop.example", 403),
        ("https://shop.example.evil.org", 403),
        ("http://localhost", 403),
        ("null", 403),
        (None, 204),
    ],
)
async def test_origins(collector, origin, status):
    answer = await collector.events(event(), headers={"Origin": origin} if origin else {})
    assert answer.status == status
    if status == 403:
        assert collector.stored() == []
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_preflight(collector):
    asked = {"Access-Control-Request-Headers": "authorization", "Access-Control-Request-Method": "POST"}
    collector.data.joinpath("sites.json").unlink()
    put_sites(collector.data, SHOP)
    collector.app[SERVICE].sites.get("look again")
    answer = await collector.send("/v1/p", method="OPTIONS", headers=ORIGIN | asked)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
    allowed = answer.headers["Access-Control-Allow-Headers"]
    assert {"authorization", "content-type", "x-write-key", "anonymousid"} <= set(allowed.split(", "))
    assert int(answer.headers["Access-Control-Max-Age"]) > 600
    assert (await collector.send("/e", method="OPTIONS", headers={"Origin": "https://evil.org"} | asked)).status == 403


async def test_a_site_just_added_works_on_the_next_request(collector):
    assert (await collector.events(event(), site="new")).status == 401
    put_sites(collector.data, SHOP, Site(name="new", write_key="new"))
    assert (await collector.events(event(), site="new")).status == 204


async def test_a_broken_sites_file_keeps_the_last_good_one(collector):
    collector.data.joinpath("sites.json").write_text("{")
    assert (await collector.events(event(), site="unknown")).status == 401
    assert (await collector.events(event())).status == 204


async def test_the_peers_address_is_cut(collector):
    await collector.events(event())
    [record] = collector.stored()
    assert record.ip == "127.0.0.0"


async def test_a_trusted_proxy_names_the_client(start, monkeypatch):
    class Countries:
        def get(self, address):
            return {"country": {"iso_code": "FR"}} if str(address).startswith("203.0.113.") else None

        def close(self):
            pass

    monkeypatch.setattr(maxminddb, "open_database", lambda path: Countries())
    collector = await start(trusted_proxies=("127.0.0.0/8", "10.0.0.0/8"), geoip=Path("x.mmdb"))
    headers = {"X-Forwarded-For": "1.1.1.1, 203.0.113.77, 10.0.0.3"}
    await collector.events(event(), headers=headers)
    [record] = collector.stored()
    assert (record.ip, record.country) == ("203.0.113.0", "FR")


async def test_without_trust_a_forwarded_address_is_not_believed(collector):
    await collector.events(event(), headers={"X-Forwarded-For": "203.0.113.77"})
    assert collector.stored()[0].ip == "127.0.0.0"


async def test_every_line_of_a_forwarding_header_counts(start):
    """A proxy may add a line of its own under the one that the client made up."""
    collector = await start(trusted_proxies=("127.0.0.0/8",))
    await collector.events(event(), headers=[("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "203.0.113.77")])
    await collector.events(event(), headers=[("Forwarded", "for=6.6.6.6"), ("X-Forwarded-For", "203.0.113.77")])
    assert [record.ip for record in collector.stored()] == ["203.0.113.0", "127.0.0.0"]


@pytest.mark.parametrize(
    ("trusted", "said", "scheme"),
    [
        (("127.0.0.1",), "https", "https"),
        ((), "https", "http"),
        (("10.0.0.1",), "https", "http"),
        (("127.0.0.1",), "javascript", "http"),
    ],
)
async def test_the_scheme_that_a_proxy_names(start, trusted, said, scheme):
    collector = await start(trusted_proxies=trusted)
    answer = await collector.send("/v1/projects/wk/settings", method="GET", headers={"X-Forwarded-Proto": said})
    assert answer.json["integrations"]["Segment.io"]["protocol"] == scheme
