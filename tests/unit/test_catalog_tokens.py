"""Tokens, vault, exports, audit, and the schema's version."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tracker.catalog import Catalog, token_hash
from tracker.catalog.vault import KEPT_PER_OWNER
from tracker.core.errors import BadRequest, Broken, NotFound
from tracker.core.pixel import PixelSettings


@pytest.fixture
def catalog(tmp_path: Path):
    made = Catalog(f"sqlite:///{tmp_path}/catalog.sqlite", tmp_path / "sites.json")
    made.sites.create("shop")
    yield made
    made.close()


def test_a_token_opens_until_it_is_revoked(catalog):
    token = catalog.tokens.create("analyst", "shop")
    principal = catalog.tokens.verify(token)
    assert (principal.role, principal.site) == ("analyst", "shop")
    assert catalog.tokens.verify(token + "x") is None
    assert catalog.tokens.verify("") is None
    catalog.tokens.revoke(principal.id)
    assert catalog.tokens.verify(token) is None


def test_the_clear_token_is_nowhere_on_disk(catalog, tmp_path):
    token = catalog.tokens.create("admin")
    catalog.close()
    assert token_hash(token).encode() in b"".join(path.read_bytes() for path in tmp_path.glob("catalog.sqlite*"))
    assert all(token.encode() not in path.read_bytes() for path in tmp_path.iterdir())


def test_last_used_is_coarse(catalog):
    token = catalog.tokens.create("viewer")
    catalog.tokens.verify(token)
    assert catalog.tokens.list()[0]["last_used_at"] % 3_600_000 == 0


def test_roles_include_each_other_upwards(catalog):
    principal = catalog.tokens.verify(catalog.tokens.create("export"))
    assert [principal.may(role) for role in ("viewer", "analyst", "export", "admin")] == [True, True, True, False]


def test_wrong_roles_and_sites_are_refused(catalog):
    with pytest.raises(BadRequest):
        catalog.tokens.create("root")
    with pytest.raises(NotFound):
        catalog.tokens.create("viewer", "nowhere")


def test_the_vault_keeps_the_newest_few_of_an_owner_and_forgets_on_demand(catalog):
    vault = catalog.vault
    for n in range(KEPT_PER_OWNER + 3):
        vault.upsert("shop", "ann", "v1", f"sealed-{n}")
    vault.upsert("shop", "ann", "v1", f"sealed-{KEPT_PER_OWNER + 2}")  # a repeated segment
    vault.upsert("shop", "", "v1", "anonymous")
    vault.upsert("other", "ann", "", "elsewhere")
    newest_first = [f"sealed-{n}" for n in range(KEPT_PER_OWNER + 2, 2, -1)]
    assert vault.get("shop", user="ann") == newest_first
    assert vault.delete("shop", users=["ann"], visitors=["v1"]) == KEPT_PER_OWNER + 1
    assert vault.get("shop", user="ann") == vault.get("shop", visitor="v1") == []
    assert vault.get("other", user="ann") == ["elsewhere"]


def test_an_export_ends_once(catalog):
    export = catalog.exports.create("shop", "aud_1", network="csv", mode="full", actor="cli", min_size=100)
    catalog.exports.fail(export.id, {"code": "too_small", "message": "too small"})
    catalog.exports.finish(export.id, counts={"written": 5}, files=())
    assert catalog.exports.get(export.id).state == "failed"


def test_what_a_stopped_process_left_running_has_failed(catalog):
    export = catalog.exports.create("shop", "aud_1", network="csv", mode="full", actor="cli", min_size=100)
    assert catalog.exports.fail_interrupted() == [export.id]
    assert catalog.exports.get(export.id).error["code"] == "interrupted"
    assert catalog.exports.fail_interrupted() == []


def test_audit_is_newest_first(catalog):
    catalog.audit.write("tok_1", "export", site="shop", audience="aud_1")
    catalog.audit.write("tok_2", "site.delete", site="other")
    assert [row["action"] for row in catalog.audit.list()] == ["site.delete", "export"]
    assert [row["actor"] for row in catalog.audit.list(site="shop")] == ["tok_1"]


def test_a_newer_schema_is_not_touched(catalog, tmp_path):
    catalog.close()
    with sqlite3.connect(tmp_path / "catalog.sqlite") as connection:
        connection.execute("update schema_version set version = 999")
    with pytest.raises(Broken, match="newer"):
        Catalog(f"sqlite:///{tmp_path}/catalog.sqlite", tmp_path / "sites.json")


def test_a_catalog_of_the_first_version_gets_what_is_new(catalog, tmp_path):
    catalog.close()
    with sqlite3.connect(tmp_path / "catalog.sqlite") as connection:
        connection.execute("alter table sites drop column pixel")
        connection.execute("update schema_version set version = 1")
    again = Catalog(f"sqlite:///{tmp_path}/catalog.sqlite", tmp_path / "sites.json")
    again.sites.update("shop", pixel=PixelSettings(engagement=True))
    assert again.sites.get("shop").pixel.engagement
    again.close()


def test_steps_find_nothing_to_do_in_a_new_catalog(catalog, tmp_path):
    """It is made in one go: what a step would bring beyond what the classes say would be missing there."""
    catalog.close()
    with sqlite3.connect(tmp_path / "catalog.sqlite") as connection:
        new = list(connection.iterdump())
        connection.execute("update schema_version set version = 0")
    Catalog(f"sqlite:///{tmp_path}/catalog.sqlite", tmp_path / "sites.json").close()
    with sqlite3.connect(tmp_path / "catalog.sqlite") as connection:
        assert list(connection.iterdump()) == new


def test_an_unknown_site_cannot_own_an_audience(catalog):
    with pytest.raises(Exception, match="FOREIGN KEY"):
        catalog.audiences.create("nowhere", "x", {}, duration="30d", holdout=0.0, refresh="5m")
