"""Members kept up to date bit by bit are those of judging everybody, whatever comes late, twice or is erased."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from loading import T0, event
from test_audiences_oracle import rule
from test_erase import Erasing

from tracker.audiences import by_key, expiry, judging, marks, membership, refresh, stored, touched
from tracker.audiences.definition import Definition, define
from tracker.audiences.refresh import Refresher
from tracker.audiences.touched import Found
from tracker.catalog.memberships import Membership
from tracker.core.event import Event
from tracker.core.identity import user_key, visitor_key
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Query

HOUR, DAY = 3_600_000, 86_400_000
BATCHES = int(os.environ.get("TRACKER_BATCHES", "20"))
"""On each engine, with a history and rules of its own; `make histories` takes 200."""

Seen = tuple[str, int, str, bool]
"""Audience, person, verdict, said yes to ads."""

NAMES = ("view", "cart", "purchase", "survey_answered")
STEPS = [{"event": "view"}, {"event": "cart"}, {"event": "purchase"}]
JOURNEYS: list[dict[str, Any]] = [
    {"dropped": {"funnel": {"steps": STEPS, "window": "2d"}, "after_step": 1, "within": "5d", "wait": "6h"}},
    {"not": {"sequence": {"steps": STEPS[:2], "window": "1d", "within": "7d"}}},
    {"all": [{"did": {"event": "view", "within": "2d"}}, {"not": {"did": {"event": "purchase", "within": "4d"}}}]},
    {"did": {"event": "*", "count": {"lte": 2}, "within": "3d"}},
    {"ltv": {"gte": 10}},
]
ALIKE: list[dict[str, Any]] = [  # of one shape: a refresh asks about them together
    {
        "dropped": {
            "funnel": {"steps": STEPS[at:][:2], "window": window},
            "after_step": 1,
            "within": within,
            "wait": wait,
        }
    }
    for at, window, within, wait in ((0, "1d", "6d", "1h"), (1, "2d", "3d", "2h"), (1, "5h", "9d", "1h"))
]


class Shop(Erasing):
    """A road with audiences, and a clock of its own."""

    def __init__(self, data: Path, engine: Engine) -> None:
        super().__init__(data, engine)
        self.dice = random.Random(f"20261128 {engine.kind}")
        self.now = T0
        self.site = self.catalog.sites.get("shop")
        self.refresher = Refresher(engine)
        self.states: dict[str, Membership] = {}
        self.told: dict[str, set[int]] = {}
        self.sent: list[Event] = []
        self.number = 0

    def fresh(self) -> Event:
        dice, self.number = self.dice, self.number + 1
        user = f"u{dice.randint(1, 12)}" if dice.random() < 0.15 else ""
        more: dict[str, Any] = {}
        if user and dice.random() < 0.1:
            more = {"type": "alias", "previous": dice.choice(("u1", "u2", "u3", "v5", "v9"))}
        if dice.random() < 0.1:
            more |= {"type": "consent", "analytics": dice.choice((0, 1)), "mode": "M4"}
        if dice.random() < 0.3:
            more["country"] = dice.choice(("DE", "FR"))
        if dice.random() < 0.3:
            more |= {"value": dice.choice((0.1, 5.0, 10.0)), "currency": dice.choice(("EUR", "EUR", "USD"))}
        late = dice.choice((0, 0, 0, 1, 3, 10)) * dice.randint(0, DAY)
        return event(
            self.number,
            name=dice.choice(NAMES),
            visitor=f"v{dice.randint(1, 25 + self.number // 8)}",
            user=user,
            ts=self.now - late,
            ads=dice.choice((-1, -1, 1, 1, 0)),
            gpc=int(dice.random() < 0.01),
            bot="crawler" if dice.random() < 0.03 else "",
            arrival=self.now * 16_000 + self.number,
            received=self.now,
            props={"survey": "nps", "score": dice.choice((3, 9))},
            **more,
        )

    def batch(self) -> None:
        """Some events, some of them sent before, on several lineages; sometimes somebody is erased."""
        dice = self.dice
        self.now += dice.choice((60_000, HOUR, 5 * HOUR, 20 * HOUR))
        events = [self.fresh() for _ in range(dice.choice((0, 1, 3, 8)))]
        self.sent += events
        if self.sent and dice.random() < 0.3:
            again = dice.choice(self.sent)
            events += [again, msgspec.structs.replace(again, arrival=self.now * 16_000 + self.number + 1_000_000)]
        if events:
            self.load(events, lineage=f"c{dice.randint(0, 2)}")
        if dice.random() < 0.06:
            self.erase(
                **{dice.choice(("visitors", "users")): (dice.choice(("v3", "v7", "u2", f"v{dice.randint(1, 25)}")),)}
            )
            self.refresher.recount()

    def kept(self, definitions: list[Definition]) -> set[Seen]:
        text = "select audience, person, verdict, granted from members final"
        text += " where audience in {audiences:Array(String)} and left_at = 0"
        rows = self.engine.ask(Query(text=text, params={"audiences": [one.id for one in definitions]})).rows
        return {
            (str(audience), int(person), str(verdict), bool(granted)) for audience, person, verdict, granted in rows
        }

    def judged(self, definitions: list[Definition]) -> set[Seen]:
        """Everybody, from all events, for all of these at once."""
        currency = marks.main_currency(self.engine, "shop", definitions, self.now)
        base = judging.whole("shop", events_source(self.engine))
        asked = judging.statements(self.engine, self.site, base, definitions, now_ms=self.now, currency=currency)
        return {
            (str(audience), int(person), str(verdict), bool(granted))
            for query in asked
            for audience, person, inside, _, _, verdict, granted in self.engine.ask(query).rows
            if inside
        }

    def exported(self, one: Definition) -> set[Seen]:
        """The same as an export asks it, which has statements of its own."""
        found = membership.judge(self.engine, self.site, one, self.now)
        return {(one.id, int(person), str(verdict), bool(granted)) for person, verdict, granted in found}

    def refresh(self, definitions: list[Definition]) -> None:
        currency = marks.main_currency(self.engine, "shop", definitions, self.now)
        some = []
        for one in definitions:
            state = self.states.setdefault(one.id, Membership(audience=one.id, site="shop"))
            if refresh.due_whole(self.site, one, state, self.now, currency):
                done = self.refresher.whole(self.site, one, state, self.now, currency)
                self.states[one.id] = done.state
                self.told[one.id] = self.looked_up(one)
            else:
                some.append(one)
        while some:
            refreshed = self.refresher.some(self.site, some, self.states, self.now, currency, tell=self.tell)
            self.states |= {done.state.audience: done.state for done in refreshed}
            self.refresher.settled(one.id for one in some)
            left = {done.state.audience for done in refreshed if done.left}
            some = [one for one in some if one.id in left]
            if some:
                assert not stored.all_fresh(self.engine, self.site, some, self.states, self.now)
            if self.dice.random() < 0.1:
                self.refresher = Refresher(self.engine)  # the process was started again

    def tell(self, found: Found) -> None:
        for audience, inside in found.inside.items():
            self.told[audience] = self.told.get(audience, set()).difference(found.keys).union(inside)

    def looked_up(self, one: Definition) -> set[int]:
        """What a file made from the store would hold."""
        parts = membership.keys(self.engine, "shop", one.id, self.states[one.id].exportable)
        return {key for part in parts for key in part}

    def there(self) -> set[int]:
        """Keys of which anything is left."""
        text = "select groupUniqArray(key) from (select key from events union all select key from person_map)"
        return set(self.engine.ask(Query(text=text)).rows[0][0])


def definitions_of(dice: random.Random, engine: Engine) -> list[Definition]:
    """Those of the clock, shared between the engines, and some that chance makes."""
    bodies = JOURNEYS[:3] if engine.kind == "embedded" else JOURNEYS[2:]
    while len(bodies) < 6:
        body = rule(dice)
        if expiry.foreseeable(define("shop", body, lookup=lambda _id: {}).rule):
            bodies = [*bodies, body]
    bodies = [*bodies, *ALIKE]
    return [
        define(
            "shop",
            body,
            lookup=lambda _id: {},
            holdout=0.3,
            duration=("540d", "4d", "540d", "30d", "1d", "540d")[at % 6],
            id=f"aud_{at}",
        )
        for at, body in enumerate(bodies)
    ]


@pytest.mark.timeout(max(900, 15 * BATCHES))
def test_bit_by_bit_equals_everybody(engine: Engine, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "WHOLE_EVERY_MS", 10**15)
    monkeypatch.setattr(by_key, "AT_ONCE", 30)  # events are copied in several pieces
    monkeypatch.setattr(refresh, "AT_ONCE", 40)  # persons of larger refreshes are judged in several shares
    monkeypatch.setattr(touched, "SOON", 8)  # and those of the latest inserts first
    road = Shop(data, engine)
    definitions = definitions_of(road.dice, engine)
    moves, looked_at, before = 0, [], set[Seen]()
    for number in range(BATCHES):
        road.batch()
        whole = number % 25 == 0 or number == BATCHES - 1
        if number == BATCHES // 3:  # from here on events are read from their copy
            copies = by_key.ByKey(engine, settles_s=0.0)
            while copies.copy("shop"):
                pass
        if not whole and road.dice.random() < 0.85:
            continue  # several batches before a refresh
        due = definitions if whole else road.dice.sample(definitions, 3)  # not all at the same times
        road.refresh(due)
        if whole:
            road.refresher = Refresher(engine)  # the process was started again
        found = road.kept(due)
        assert found == road.judged(due), (number, [one.rule for one in due])
        there = road.there()
        for one in due:
            assert road.told[one.id] & there == road.looked_up(one)
            theirs = {seen for seen in found if seen[0] == one.id}
            assert road.states[one.id].members == len(theirs)
            assert road.states[one.id].exportable == sum(verdict == "exportable" for _, _, verdict, _ in theirs)
            moves += theirs != {seen for seen in before if seen[0] == one.id}
        before = {seen for seen in before if seen[0] not in {one.id for one in due}} | found
        if whole:
            assert stored.all_fresh(engine, road.site, due, road.states, road.now) == {one.id for one in due}
            assert {seen for seen in found if seen[0] == due[-1].id} == road.exported(due[-1])
        looked_at.append(road.states[due[0].id].judged)
    assert moves > BATCHES / 8
    assert road.refresher.by_key.whole("shop")
    copied = "select uniqExact(site, event, key, ts, id), count() from /*table*/ final"
    [events, copy] = [
        engine.ask(Query(text=copied.replace("/*table*/", one))).rows for one in ("events", "events_by_key")
    ]
    assert events == copy  # erased from both
    [(keys,)] = engine.ask(Query(text="select uniqExact(key) from events")).rows
    assert sum(looked_at) / len(looked_at) < keys  # not everybody every time
    texts = ("select distinct entered_by from members", "select distinct left_by from members where left_at != 0")
    came, went = ({str(why) for (why,) in engine.ask(Query(text=text)).rows} for text in texts)
    assert "event" in came
    assert {"time", "lapsed"} & (came | went)  # the clock alone moved somebody
    twice = "select count() from (select audience, person from members final where left_at = 0)"
    once = "select uniqExact(audience, person) from members where left_at = 0 and (audience, person, entered) in"
    once += " (select audience, person, entered from members final where left_at = 0)"
    assert engine.ask(Query(text=twice)).rows == engine.ask(Query(text=once)).rows


def test_why_they_left(engine: Engine, data: Path) -> None:
    """`gone` is who became somebody else; who bought left by an event, who won a browser by identity."""
    road, now = Shop(data, engine), T0
    rule = {"all": [{"did": {"event": "view"}}, {"not": {"did": {"event": "purchase"}}}]}
    one = define("shop", rule, lookup=lambda _id: {}, id="aud_why")
    road.load([event(n, visitor=f"v{n}", name="view", ts=now) for n in range(1, 7)])
    road.load([event(7, visitor="w", user="u7", name="view", ts=now), event(8, visitor="v8", name="purchase", ts=now)])
    road.refresh([one])
    road.load([event(11, visitor="v1", name="purchase", ts=now + 10)])
    road.load([event(12, visitor="v2", user="u2", type="identify", name="identify", ts=now + 10)])
    road.load([event(13, visitor="v8", user="u7", type="identify", name="identify", ts=now + 10)])
    road.now += 1000
    road.refresh([one])
    text = "select person, left_by from members final where audience = 'aud_why' and left_at != 0"
    left = dict(engine.ask(Query(text=text)).rows)
    assert left.pop(user_key("u7")) in {"event", "identity"}
    assert left == {visitor_key("v1"): "event", visitor_key("v2"): "gone"}
    road.load([event(14, visitor="v3", user="u3", type="identify", name="identify", ts=now + 20)])
    less = define("shop", {"did": {"event": "purchase"}}, lookup=lambda _id: {}, id="aud_why")
    road.now += 1000
    road.refresher.whole(road.site, less, road.states["aud_why"], road.now, None)
    left = dict(engine.ask(Query(text=text)).rows)
    assert {left[visitor_key(f"v{n}")] for n in (4, 5, 6)} == {"definition"}
    assert (left[visitor_key("v1")], left[visitor_key("v3")]) == ("event", "gone")


def test_who_loses_a_browser_is_judged_again_without_an_event(engine: Engine, data: Path) -> None:
    road, now = Shop(data, engine), T0
    few = define("shop", {"did": {"event": "*", "count": {"lte": 2}}}, lookup=lambda _id: {}, id="aud_few")
    road.load([event(n, visitor="w", ts=now) for n in range(1, 4)])
    road.load([event(4, visitor="w", user="x1", ts=now + 9, type="identify")])
    road.refresh([few])
    assert road.kept([few]) == set()
    road.load([event(5, visitor="w", user="x2", ts=now - HOUR, type="identify")])  # was x2's browser before
    road.now += 1000
    road.refresh([few])
    assert road.kept([few]) == road.judged([few]) == {("aud_few", user_key("x1"), "exportable", False)}
    [(why,)] = engine.ask(Query(text="select entered_by from members where left_at = 0")).rows
    assert why == "identity"
