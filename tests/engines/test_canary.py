"""The canary flies the whole road, tells what it met, and is in nobody's counts."""

from __future__ import annotations

import threading

import pytest
from running import request, tracker, until

from tracker.catalog import Catalog
from tracker.core.errors import NotFound, TryLater
from tracker.core.site import Site
from tracker.wiring.canary import SITE, Canary, last_flight

pytestmark = pytest.mark.timeout(180)
ZERO = {"received": 0, "stored": 0, "duplicates": 0, "rejected": {}, "suppressed": 0, "waiting": 0, "unexplained": 0}


def test_from_end_to_end(tmp_path):
    with tracker(tmp_path, env={"TRACKER_CANARY_SECONDS": "1"}) as it:
        key = it.site("shop")
        it.collector().start()
        engine = it.role("engine").start()
        it.ready()

        def arrived() -> bool:
            return (last_flight(it.data) or {}).get("state") == "arrived"

        until(arrived, 60, it.tails)
        status = it.api("GET", "/api/v1/status")
        assert status["canary"]["lag_seconds"] > 0
        assert status["ledger"] == ZERO
        assert [site["site"] for site in it.api("GET", "/api/v1/sites")["sites"]] == ["shop"]
        assert request(it.api_port, "GET", f"/api/v1/sites/{SITE}")[0] == 401
        text = request(it.api_port, "GET", "/metrics")[1].decode()
        assert 'tracker_events{ending="stored",reason=""} 0.0' in text
        assert float(text.partition("\ntracker_canary_lag_seconds ")[2].split()[0]) > 0
        assert float(text.partition("\ntracker_canary_arrived_timestamp_seconds ")[2].split()[0]) > 1e9
        event = b'{"site":"%b","events":[{"type":"track","name":"x","visitor":"v"}]}' % key.encode()
        assert request(it.port, "POST", "/e", event)[0] == 204
        assert it.drained("shop") == ZERO | {"received": 1, "stored": 1}
        engine.stop()
        stock = it.run("status", "--json")
        assert stock["ledger"] == ZERO | {"received": 1, "stored": 1}
        assert list(stock["sites"]) == ["shop"]
        assert stock["canary"]["arrived_at"] > 0
        [[[canaries]], [[others]]] = it.sql(
            f"select count() from events where site = '{SITE}'", f"select count() from events where site != '{SITE}'"
        )
        assert canaries >= 1
        assert others == 1


class Store:
    """A store that answers as it is told."""

    def __init__(self, answer) -> None:
        self.answer = answer

    def ask(self, query):
        if isinstance(self.answer, Exception):
            raise self.answer

        class Rows:
            rows = ((self.answer,),)

        return Rows


def flown(tmp_path, store, port: int) -> dict:
    site = Site(name=SITE, write_key="wk_c")
    canary = Canary(
        site=lambda: site,
        engine=Store(store),
        collector=f"http://127.0.0.1:{port}",
        data=tmp_path,
        every=60,
        stop=threading.Event(),
        patience=0.3,
    )
    flight = canary.fly()
    assert last_flight(tmp_path) == flight | {"arrived_at": flight["at"] if flight["state"] == "arrived" else None}
    return flight


@pytest.fixture
def collector(tmp_path):
    """Answers 204 to one write key, 401 to any other."""
    from raw_http import worker

    from tracker.catalog import sites_file

    with worker(tmp_path) as made:
        yield made, lambda key: sites_file.write(tmp_path / "sites.json", [Site(name=SITE, write_key=key)])


def test_what_it_meets_is_what_it_says(tmp_path, collector):
    made, put_site = collector
    assert flown(tmp_path, 1, made.port)["state"] == "not_accepted"
    put_site("wk_c")
    assert flown(tmp_path, 0, made.port)["state"] == "late"
    assert flown(tmp_path, TryLater("away"), made.port)["state"] == "store_away"
    flight = flown(tmp_path, 1, made.port)
    assert flight["state"] == "arrived" and flight["lag_seconds"] >= 0
    made.stop()
    (tmp_path / "canary.json").unlink()
    assert flown(tmp_path, 1, made.port)["state"] == "no_collector"


def test_our_own_site_is_known_to_collectors_and_to_nobody_else(tmp_path):
    from tracker.catalog import sites_file

    catalog = Catalog(f"sqlite:///{tmp_path}/catalog.sqlite", tmp_path / "sites.json")
    try:
        site = catalog.sites.internal(SITE)
        assert catalog.sites.internal(SITE) == site
        assert catalog.sites.list() == []
        assert [known.name for known in sites_file.read(tmp_path / "sites.json")] == [SITE]
        for ask in (catalog.sites.get, catalog.sites.delete, catalog.sites.min_size):
            with pytest.raises(NotFound):
                ask(SITE)
        with pytest.raises(ValueError):
            catalog.sites.internal("shop")
        catalog.ledger.commit("c0/0", "c0", 0, 3, {(SITE, "stored", ""): 2, ("shop", "stored", ""): 1})
        assert catalog.ledger.totals()["stored"] == 1
        assert catalog.ledger.totals(SITE)["stored"] == 2
    finally:
        catalog.close()
