"""Everybody judged in shares, with refreshes between them, and stays that are kept in two orders."""

from __future__ import annotations

from pathlib import Path

import pytest
from loading import T0, event
from test_members_incremental import DAY, Shop, definitions_of

from tracker.audiences import everybody, marks, refresh
from tracker.audiences.definition import Definition, define
from tracker.audiences.refresh import Refresher
from tracker.audiences.stays import Stays
from tracker.catalog.memberships import Membership
from tracker.core.errors import TryLater
from tracker.store.engine import Engine, Query


def in_both_orders(engine: Engine) -> list[object]:
    columns = "audience, person, entered, entered_by, left_at, left_by, verdict, granted, arm, armed"
    one, other = (
        engine.ask(Query(text=f"select {columns} from {table} final order by all")).rows
        for table in ("members", "members_by_person")
    )
    assert one == other
    return one


def test_everybody_in_shares_beside_refreshes(engine: Engine, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everybody, "EVENTS_AT_ONCE", 9)
    road = Shop(data, engine)
    definitions = definitions_of(road.dice, engine)[:4]
    for _ in range(8):
        road.batch()
    fresh, others = definitions[0], definitions[1:]
    road.refresh(others)
    before = {one.id: road.states[one.id] for one in others}

    def through(one: Definition, state: Membership) -> int:
        """A pass over everybody while events come and others are refreshed; gives its shares."""
        begun = road.refresher.begin(road.site, one, state, road.now, currency(one))
        while True:
            state = road.states.get(one.id, state)
            done = road.refresher.go_on(road.site, begun, state, road.now, currency(one))
            if done is not None:
                road.states[one.id] = done.state
                road.refresher.passed(done)
                return begun.shares
            road.batch()
            road.refresh(others)

    def currency(one: Definition) -> str | None:
        return marks.main_currency(engine, "shop", [one], road.now)

    monkeypatch.setattr(refresh, "WHOLE_EVERY_MS", 10**15)
    assert through(fresh, Membership(audience=fresh.id, site="shop")) >= 3  # a new one
    assert through(others[0], before[others[0].id]) >= 3  # one that is refreshed between its shares
    assert road.states[others[0].id].whole_at > before[others[0].id].whole_at
    road.refresh(definitions)
    assert road.kept(definitions) == road.judged(definitions) != set()
    for one in definitions:
        theirs = [seen for seen in road.kept([one]) if seen[2] == "exportable"]
        assert road.states[one.id].exportable == len(theirs)
    assert in_both_orders(engine)


def test_a_share_ranks_all_buyers(engine: Engine, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everybody, "EVENTS_AT_ONCE", 5)
    road = Shop(data, engine)
    who = {"visitor": "v1", "name": "purchase", "currency": "EUR"}
    bought = [event(n, **{**who, "visitor": f"v{n % 9}", "value": float(n), "ts": T0 - n * DAY}) for n in range(1, 20)]
    road.load([*bought, event(30, visitor="v3", user="u1", type="identify")])
    rule = {"rfm": {"segment": ["champions", "loyal", "potential_loyalists"]}}
    best = define("shop", rule, lookup=lambda _id: {}, id="aud_best")
    asked = marks.main_currency(engine, "shop", [best], road.now)
    assert everybody.shares(engine, "shop")[0] > 3
    done = road.refresher.whole(road.site, best, Membership(audience="aud_best", site="shop"), road.now, asked)
    assert road.kept([best]) == road.judged([best])
    assert 0 < done.state.members < 9


@pytest.mark.parametrize("at", [1, 2])
def test_a_crash_between_two_orders_loses_no_stay(
    engine: Engine, data: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    road = Shop(data, engine)
    definitions = definitions_of(road.dice, engine)[:3]
    road.batch()
    road.refresh(definitions)
    while len(road.sent) < 15:
        road.batch()
    left = [at]
    does = Stays._write

    def cut_off(self: Stays, table: str) -> None:
        left[0] -= 1
        if not left[0]:
            raise TryLater("cut off")
        does(self, table)

    monkeypatch.setattr(Stays, "_write", cut_off)
    with pytest.raises(TryLater):
        road.refresh(definitions)
    monkeypatch.undo()
    if at == 1:
        road.refresher = Refresher(engine)  # the process was started again
    road.refresh(definitions)
    assert road.kept(definitions) == road.judged(definitions) != set()
    stays = in_both_orders(engine)
    assert len(stays) == len({row[:3] for row in stays})
