"""Audiences over two real shards: a person whose events lie on both is one member."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clickhouse import two_shards
from small_history import put

from tracker.analytics import rfm
from tracker.audiences import membership
from tracker.audiences.definition import define
from tracker.core.site import Site
from tracker.store.engine import Engine
from tracker.store.migrate import migrate
from tracker.store.server import Server

pytestmark = pytest.mark.server

NOW = 1_795_000_000_000
DAY = 86_400_000
SITE = Site(name="shop", write_key="k", consent="opt-out")


@pytest.fixture
def pair(tmp_path_factory) -> Iterator[Engine]:
    nodes = two_shards(tmp_path_factory.mktemp("pair"))
    engine = Server(nodes[0].url("shop") + "?cluster=pair")
    try:
        migrate(engine)
        yield engine
    finally:
        engine.close()
        for node in nodes:
            node.kill()


def test_rules_see_all_shards(pair: Engine) -> None:
    history = [{"event": "view", "visitor": f"v{at}", "ts": NOW - 3 * DAY} for at in range(40)]
    history += [{"event": "login", "visitor": f"v{at}", "user": f"u{at % 10}", "ts": NOW - 2 * DAY} for at in range(20)]
    history += [
        {"event": "purchase", "user": f"u{at}", "ts": NOW - DAY, "ads": at % 2, "value": at} for at in range(10)
    ]
    put(pair, history)

    def size(rule: object) -> int:
        return int(membership.preview(pair, SITE, define("shop", rule, lookup=lambda _id: {}), NOW)["size"])

    steps = [{"event": "view"}, {"event": "purchase"}]
    dropped = {"dropped": {"funnel": {"steps": steps, "window": "7d"}, "after_step": 1, "within": "14d"}}
    assert size({"did": {"event": "*"}}) == 30  # 10 users with two browsers each, 20 strangers
    assert size({"did": {"event": "view", "count": {"eq": 2}}}) == 10
    assert size(dropped) == 20
    assert size({"not": dropped}) == 10
    everybody = {"rfm": {"segment": list(rfm.NAMES)}}
    assert (size(everybody), size({"not": everybody})) == (10, 20)
    assert size({"ltv": {"gte": 9}}) == 1
    assert size({"ltv": {"eq": 0}}) == 21
    bought = define("shop", {"did": {"event": "purchase"}}, lookup=lambda _id: {})
    page = membership.members(pair, SITE, bought, NOW, limit=100, cursor=None)
    assert {one["user"]: one["withheld"] for one in page["members"]} == {
        f"u{at}": None if at % 2 else "opted_out" for at in range(10)
    }
