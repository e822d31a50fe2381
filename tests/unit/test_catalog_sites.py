"""Sites, their file, and several processes at once."""

from __future__ import annotations

import json
import multiprocessing
import stat
from pathlib import Path

import pytest

from tracker.catalog import Catalog, sites_file
from tracker.core.errors import BadRequest, Conflict, NotFound


@pytest.fixture
def catalog(tmp_path: Path):
    made = Catalog(f"sqlite:///{tmp_path}/catalog.sqlite", tmp_path / "sites.json")
    yield made
    made.close()


def test_a_site_is_in_the_file_at_once_with_its_keys(catalog, tmp_path):
    site = catalog.sites.create("shop", domains=["Shop.Example", "*.other.example"], timezone="Europe/Berlin")
    assert site.write_key.startswith("wk_")
    assert len(bytes.fromhex(site.identifier_key)) == 32
    assert site.domains == ("shop.example", "other.example")
    assert sites_file.read(tmp_path / "sites.json") == (site,)
    assert stat.S_IMODE((tmp_path / "sites.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "catalog.sqlite").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob(".sites.json.*")] == []


def test_update_keeps_what_is_not_given(catalog, tmp_path):
    made = catalog.sites.create("shop", domains=["a.example"])
    changed = catalog.sites.update("shop", consent="opt-out", min_size=20)
    assert (changed.write_key, changed.domains, changed.consent) == (made.write_key, ("a.example",), "opt-out")
    assert catalog.sites.min_size("shop") == 20
    assert json.loads((tmp_path / "sites.json").read_text())["sites"][0]["consent"] == "opt-out"


def test_a_deleted_site_is_gone_and_comes_back_with_a_new_write_key(catalog, tmp_path):
    first = catalog.sites.create("shop")
    catalog.sites.delete("shop")
    assert catalog.sites.list() == []
    assert catalog.sites.by_write_key(first.write_key) is None
    assert sites_file.read(tmp_path / "sites.json") == ()
    with pytest.raises(NotFound):
        catalog.sites.get("shop")
    second = catalog.sites.create("shop")
    assert second.write_key != first.write_key
    assert second.identifier_key == first.identifier_key  # else its vault could never be opened again


def test_a_name_is_taken_once(catalog):
    catalog.sites.create("shop")
    with pytest.raises(Conflict):
        catalog.sites.create("shop")


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "../x"}),
        ("name", {"name": "x" * 65}),
        ("domains[0]", {"domains": ["https://shop.example"]}),
        ("domains[0]", {"domains": ["shop.example/x"]}),
        ("domains[1]", {"domains": ["ok.example", "a b"]}),
        ("domains[0]", {"domains": ["shop.example:8080"]}),
        ("domains", {"domains": ["a.example"] * 101}),
        ("consent", {"consent": "maybe"}),
        ("timezone", {"timezone": "Mars/Base"}),
        ("timezone", {"timezone": "../../etc/passwd"}),
        ("timezone", {"timezone": ""}),
        ("min_size", {"min_size": 0}),
    ],
)
def test_what_is_wrong_with_a_site_is_said_by_field(catalog, field, given):
    with pytest.raises(BadRequest) as caught:
        catalog.sites.create(**{"name": "shop", **given})
    assert caught.value.field == field
    assert catalog.sites.list() == []


@pytest.mark.parametrize("domain", ["localhost", "127.0.0.1", "[::1]", "shop.example", "bücher.example", "a_b.example"])
def test_hosts_that_are_taken(catalog, domain):
    assert len(catalog.sites.create("shop", domains=[domain]).domains) == 1


def _add(folder: str, worker: int, barrier) -> None:
    barrier.wait()
    catalog = Catalog(f"sqlite:///{folder}/catalog.sqlite", Path(folder) / "sites.json")
    for number in range(10):
        catalog.sites.create(f"site-{worker}-{number}")
    catalog.close()


def test_processes_that_add_sites_at_once_lose_none(tmp_path):
    """They start on a folder without a database, so migrating at the same moment is tested too."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    workers = [context.Process(target=_add, args=(str(tmp_path), worker, barrier)) for worker in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len(sites_file.read(tmp_path / "sites.json")) == 30
