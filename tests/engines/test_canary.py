"""The canary flies the whole road, tells what it met, and is in nobody's counts."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from loading import T0, Road, event
from running import request, tracker, until

from tracker.catalog import Catalog
from tracker.core.errors import NotFound, TryLater
from tracker.core.site import Site
from tracker.loader.leftovers import Leftovers
from tracker.store.engine import Engine, Query
from tracker.wiring.canary import SITE, Canary, last_flight

pytestmark = pytest.mark.timeout(180)
ZERO = {"received": 0, "stored": 0, "duplicates": 0, "rejected": {}, "suppressed": 0, "waiting": 0, "unexplained": 0}


def test_from_end_to_end(tmp_path):
    with tracker(tmp_path, env={"TRACKER_CANARY_SECONDS": "1", "TRACKER_ENGINE_NICE": "5"}) as it:
        key = it.site("shop")
        collector = it.collector().start()
        engine = it.role("engine").start()
        it.ready()
        first = os.getpriority(os.PRIO_PROCESS, collector.pid)
        assert os.getpriority(os.PRIO_PROCESS, engine.pid) == min(19, first + 5)  # collectors go first

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


HELD = "select site, count() from events final group by site order by site"
TOLD = "select site, sum(events) from erased group by site"
NIGHT = T0 // 86_400_000 * 86_400_000  # the last midnight


def test_old_canaries_go_and_the_ledger_stays_exact(
    engine: Engine, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the process dies between the telling and the deleting, and a canary comes late."""
    road = Road(data, engine)
    numbers = iter(range(1, 1000))

    def fly(*days: float, site: str = SITE) -> None:
        road.load([event(next(numbers), site=site, name="canary", ts=NIGHT - int(day * 86_400_000)) for day in days])

    def left() -> list[tuple[str, int]]:
        assert road.loader.audit.missing() == 0
        road.loader.audit.count()
        assert road.loader.audit.missing() == 0
        return [(site, n) for site, n in engine.ask(Query(text=HELD)).rows]

    fly(0, 0.5, 1.5, 2, 31, 40)
    fly(0, 31, site="shop")
    clock, now = iter(range(0, 10**9, 4000)), [NIGHT + 1000]
    leftovers = Leftovers(engine, (SITE,), now_ms=lambda: now[0], clock=lambda: next(clock))
    assert leftovers.when_due() == 4
    assert left() == [(SITE, 2), ("shop", 2)]
    assert leftovers.when_due() == 0
    fly(35)  # comes late: its day is done, so it goes with the next
    assert left() == [(SITE, 3), ("shop", 2)]
    now[0] += 86_400_000
    real = type(engine).command

    def dies(self: Engine, query: Query) -> None:
        if "delete from" in query.text:
            raise KeyboardInterrupt
        real(self, query)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(type(engine), "command", dies)
        leftovers.when_due()
    fly(36, 0.25)
    again = Leftovers(engine, (SITE,), now_ms=lambda: now[0] + 86_400_000)
    assert again.when_due() == 5
    assert left() == [("shop", 2)]
    assert Leftovers(engine, (SITE,), now_ms=lambda: now[0] + 86_400_000).when_due() == 0
    assert [row[1] for row in engine.ask(Query(text=TOLD)).rows] == [9]


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
