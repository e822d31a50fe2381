"""Erasing persons: what is left is what it would be without them, whatever comes late and whenever the process dies."""

from __future__ import annotations

import json
import random
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest
from api_client import serve
from depth import seeds
from loading import T0, Road, event

from tracker.catalog.consents import ERASED
from tracker.catalog.erasures import DONE
from tracker.core import membership as files
from tracker.core.errors import TryLater
from tracker.core.event import Event, Rejected
from tracker.core.identifiers import Identifier, keys_of, seal
from tracker.core.identity import user_key, visitor_key
from tracker.core.suppression import State, hash_of
from tracker.loader.audit import Audit
from tracker.loader.choices import Choices
from tracker.loader.erasing import Eraser, leave_alone
from tracker.loader.people import Aliases, links_of
from tracker.loader.rollups import Rollups
from tracker.store import erase
from tracker.store.engine import Engine, Query
from tracker.store.erase import Names

PREVIOUS = ["ann-old", "vis-ann", "vis-ann2"]  # the previous id of an alias may be a visitor's as well


class Erasing(Road):
    """A road whose loader learns what people decide and erases them."""

    def __init__(self, data: Path, engine: Engine, sites: tuple[str, ...] = ("shop",)) -> None:
        super().__init__(data, engine)
        there = {site.name for site in self.catalog.sites.list()}
        for name in sites:
            if name not in there:
                self.catalog.sites.create(name, consent="opt-out")
        site = self.catalog.sites.get("shop")
        self.keys = keys_of(site.name, site.write_key, site.identifier_key)
        self.loader._choices = Choices(engine, self.catalog.consents, self.catalog.suppressions, self.catalog.sites.get)
        self.loader._vault = self.catalog.vault
        self.loader._eraser = Eraser(engine, self.catalog, data)

    def ask(self, site: str = "shop", *, visitors: tuple[str, ...] = (), users: tuple[str, ...] = ()) -> str:
        known = self.catalog.sites.get(site)
        keys = keys_of(known.name, known.write_key, known.identifier_key)
        leave_alone(self.catalog, site, keys, Names(visitors, users))
        return self.catalog.erasures.ask(site, visitors, users, "test").id

    def erase(self, site: str = "shop", **who: Any) -> str:
        asked = self.ask(site, **who)
        assert self.loader.erase_due() == 1
        return asked

    def balance(self) -> None:
        audit = Audit(self.engine, self.catalog.ledger)
        audit.count()
        assert audit.missing() == 0
        ledger = self.ledger()
        ends = ledger["stored"] + ledger["duplicates"] + sum(ledger["rejected"].values()) + ledger["suppressed"]
        assert (ledger["received"], ledger["waiting"], ledger["unexplained"]) == (ends, 0, 0)


def oracle(events: list[Event]) -> dict[str, str]:
    """The person of each `u:user` and `v:visitor`, by the rule of `docs/decisions/identity.md`, from all events."""
    aliases, first = Aliases(), {}
    said = [
        link
        for one in events
        for link in links_of(one.site, one.visitor, one.user, one.previous, (one.ts, one.arrival))
    ]
    aliases.add(link for link in said if link.kind == "alias")
    for link in sorted(said, key=lambda link: (link.ts, link.arrival)):
        if link.kind == "identify":
            first.setdefault(link.source, link.target)
    people = {f"v:{visitor}": f"u:{aliases.person(user)}" for visitor, user in first.items()}
    users = {name for link in said for name in (link.target, *([link.source] if link.kind == "alias" else []))}
    return people | {f"u:{user}": f"u:{aliases.person(user)}" for user in users}


def own(one: Event) -> str:
    return f"u:{one.user}" if one.user else f"v:{one.visitor}"


def names_of(one: Event) -> set[str]:
    return {f"v:{one.visitor}", f"u:{one.user}", f"u:{one.previous}", f"v:{one.previous}"} - {"v:", "u:"}


def history(dice: random.Random, site: str, first: int) -> list[Event]:
    """Some visitors, some of them one user's, users that merge, in a random order of times."""
    found = []
    for n in range(first, first + dice.randint(4, 14)):
        visitor, user = f"v{dice.randint(1, 5)}", dice.choice(["", "", "u1", "u2", "u3"])
        previous = dice.choice(["", "", "u1", "u3", "v5"]) if user else ""
        more = {"type": "alias" if previous else "track", "previous": previous}
        found.append(event(n, site=site, visitor=visitor, user=user, ts=T0 + dice.randint(0, 9), **more))
    return found


def test_nobody_is_erased_while_anybody_writes_what_may_hold_a_person(engine: Engine, data: Path) -> None:
    road, locks = Erasing(data, engine), (threading.Lock(), threading.Lock())
    road.loader._eraser = Eraser(engine, road.catalog, data, busy=locks)
    road.load([event(1, visitor="v1"), event(2, visitor="v2")])
    road.ask(visitors=("v1",))
    for held in locks:
        with held:
            assert road.loader.erase_due() == 0
        assert not any(lock.locked() for lock in locks)
    assert road.loader.erase_due() == 1
    assert engine.ask(Query(text="select distinct visitor from events")).rows == [("v2",)]


def test_random_persons_erased_are_gone_and_everybody_else_is_untouched(engine: Engine, data: Path) -> None:
    dice = random.Random(20261125)
    sites = tuple(f"shop{n}" for n in seeds(8, 24))
    road = Erasing(data, engine, ("shop", *sites))
    before = {site: history(dice, site, 1000 * n) for n, site in enumerate(sites, start=1)}
    road.load([one for events in before.values() for one in events])
    late, gone_ids, left = [], {}, {}
    for site, events in before.items():
        target = own(dice.choice(events))
        people = oracle(events)
        person = people.get(target, target)
        known = {name for one in events for name in names_of(one)}
        gone_ids[site] = {name for name in known if people.get(name, name) == person}
        road.ask(site, **{"users" if target[0] == "u" else "visitors": (target[2:],)})
        left[site] = [one for one in events if people.get(own(one), own(one)) != person]
    assert road.loader.erase_due() == len(sites)
    held = defaultdict(set)
    for site, key, number in road.rows("site, key, toString(id)"):
        held[site].add((key, number))
    assert held == {site: {(key_of(one), one.id) for one in events} for site, events in left.items() if events}
    road.balance()
    number = 500_000
    for site in sites:  # everything again under new ids, and once more as it came
        for one in before[site]:
            again = event(number := number + 1, **fields_of(one))
            late += [again, msgspec.structs.replace(one, arrival=again.arrival + 1)]  # sent twice: another arrival
            if gone_ids[site].isdisjoint(names_of(one)):
                left[site].append(again)
    road.load(late, lineage="c1")
    found = {(site, number) for site, number in road.rows("site, toString(id)")}
    assert found == {(site, one.id) for site, events in left.items() for one in events}
    road.balance()
    links = engine.ask(Query(text="select site, kind, source, target from identity_links")).rows
    for site, kind, source, target in links:
        assert {f"u:{target}", f"{'u' if kind == 'alias' else 'v'}:{source}"}.isdisjoint(gone_ids[site])


def key_of(one: Event) -> int:
    return user_key(one.user) if one.user else visitor_key(one.visitor)


def fields_of(one: Event) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("site", "visitor", "user", "previous", "type", "ts")}


def full_person(road: Erasing) -> None:
    """Ann, with something of hers in every place there is, and Bob beside her."""
    sealed = seal(road.keys, [Identifier("email", {"e1": "ab" * 32})], b"123456789012")
    yes = {"type": "consent", "name": "consent", "analytics": 1, "ads": 1, "mode": "M4", "consent": "ab" * 16}
    road.load([
        event(1, visitor="vis-ann"),
        event(2, visitor="vis-ann", user="ann", type="identify", name="identify", vault=sealed),
        event(3, visitor="vis-ann2", user="ann-old"),
        event(4, visitor="vis-ann", user="ann", previous="ann-old", type="alias", name="alias"),
        event(5, visitor="vis-ann2", ts=T0 + 50, props={"note": "MARK"}),
        event(6, visitor="vis-ann", user="ann", ts=T0 + 60, consent_text="CQstring", **yes),
        event(7, visitor="vis-bob", user="bob"),
        event(8, visitor="vis-bob", user="bob", ts=T0 + 61, consent_text="", **yes),
        Rejected(site="shop", arrival=16, received=T0, reason="bad_field", message="", raw='{"userId":"ann","x":1}'),
        Rejected(site="shop", arrival=32, received=T0, reason="bad_field", message="", raw='{"userId":"annabel"}'),
    ])  # fmt: skip
    rollups = Rollups(road.engine, grace=0)
    assert any(map(rollups.build, rollups.open_due("shop", "UTC", T0)))
    audience = road.catalog.audiences.create("shop", "all", {}, duration="30d", holdout=0.0, refresh="5m")
    for name, body in (("one", "ann,vis-ann,ann\r\n"), ("two", "bob,vis-bob,bob\r\n")):
        export = road.catalog.exports.create("shop", audience.id, network="csv", mode="full", actor="t", min_size=1)
        path = road.data / "exports" / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"person,visitor,user\r\n{body}", encoding="utf-8")
        from tracker.catalog.exports import ExportFile

        file = ExportFile(name=path.name, rows=1, sha256="", bytes=1)
        road.catalog.exports.finish(export.id, counts={"written": 1}, files=(file,))
    path = files.path_of(road.data, "shop", audience.id)
    path.parent.mkdir(parents=True)
    everybody = sorted([user_key("ann"), visitor_key("vis-ann"), user_key("bob")])
    path.write_bytes(files.head("shop", audience.id, T0, 3, 7) + files.keys(everybody))
    recent = files.recent("shop", [(audience.id, 7)], files.keys(everybody), b"\1\1\1", b"\1\1\1")
    files.recent_of(road.data, "shop").write_bytes(recent)


def check_gone(road: Erasing, asked: str) -> None:
    done = road.catalog.erasures.get(asked)
    assert (done.state, done.events, done.visitors, done.users) == (DONE, 6, (), ())
    assert done.details == {"removals": 1, "consents": 1}
    assert road.rows("user") == [("bob",), ("bob",)]
    count = road.engine.ask(Query(text="select count(), sum(events) from erased")).rows
    assert count == [(1, 6)]
    assert road.engine.ask(Query(text="select distinct arrival from rejected")).rows == [(32,)]
    assert road.engine.ask(Query(text="select distinct key from recent")).rows == [(user_key("bob"),)]
    visits = "select distinct key from rollup_visits left join rollup_numbers on number = one"
    assert road.engine.ask(Query(text=visits)).rows == [(user_key("bob"),)]
    assert sorted(path.name for path in (road.data / "exports").iterdir()) == ["two.csv"]
    assert len(list((road.data / "segments" / "shop").iterdir())) == 2
    [segment] = (road.data / "segments" / "shop").glob("*.bin")
    left = files.read(memoryview(segment.read_bytes()))
    assert (list(left.keys), left.head.made) == ([user_key("bob")], 7)
    recent = files.read_recent(files.recent_of(road.data, "shop").read_bytes())
    assert (list(recent.keys), recent.of(user_key("bob"))) == ([user_key("bob")], (1, 1))
    assert road.catalog.vault.get("shop", user="ann") == []
    [removal] = road.catalog.erasures.removals(site="shop")
    assert (removal.network, removal.certain, len(removal.sealed)) == ("csv", True, 1)
    wanted = hash_of(road.keys, "user", "ann").hex()
    [proof] = road.catalog.consents.of("shop", [f"{ERASED}{wanted}"])
    assert (proof["analytics"], proof["change"], proof["text_hash"]) == (1, "first", "ab" * 16)
    assert road.catalog.consents.broken_at() is None
    ids = (("user", "ann"), ("user", "ann-old"), ("visitor", "vis-ann"), ("visitor", "vis-ann2"))
    hashes = [hash_of(road.keys, kind, one) for kind, one in ids]
    listed = road.catalog.suppressions.find("shop", hashes)
    assert set(listed.values()) == {State.ERASED} and len(listed) == 4
    entries = [row for row in road.catalog.audit.list() if row["action"] == "erase"]
    assert len(entries) == 1 and "ann" not in json.dumps(entries)
    for path in road.data.glob("catalog.sqlite*"):
        blob = path.read_bytes()
        assert b"vis-ann" not in blob and b"ann-old" not in blob and b'"ann"' not in blob
    road.catalog.erasures.delivered(removal.id)
    assert road.catalog.erasures.removals(site="shop") == []
    road.balance()


def test_a_person_is_gone_from_every_place_and_does_not_come_back(engine: Engine, data: Path) -> None:
    road = Erasing(data, engine)
    full_person(road)
    check_gone(road, road.erase(visitors=("vis-ann2",)))
    road.load([
        event(21, visitor="vis-new", user="ann"),
        event(22, visitor="vis-ann"),
        event(23, visitor="vis-x", user="bob", previous="ann-old"),
        event(24, visitor="vis-bob"),
        Rejected(site="shop", arrival=48, received=T0, reason="bad_field", message="", raw="uid=ann&x=1"),
    ], lineage="c1")  # fmt: skip
    assert road.rows("user, visitor") == [("bob", "vis-bob"), ("bob", "vis-bob"), ("", "vis-bob")]
    assert road.ledger("shop")["suppressed"] == 3
    assert road.engine.ask(Query(text="select raw from rejected where arrival = 48")).rows == [("",)]
    again = road.catalog.erasures.get(road.erase(users=("ann",)))  # erased already: nothing more to take away
    assert (again.state, again.events) == (DONE, 0)
    road.balance()


@pytest.mark.parametrize("step", ["note", "delete", "_drop", "finish"])
def test_a_crash_at_any_step_is_made_good(
    engine: Engine, data: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The process dies before the step does its work, then a new one right after it."""
    full_person(Erasing(data, engine))
    asked = Erasing(data, engine).ask(users=("ann",))
    for after in (False, True):
        road = Erasing(data, engine)
        owner: Any = road.catalog.erasures if step == "finish" else erase
        real = getattr(owner, step)

        def die(*given: Any, real: Any = real, after: bool = after) -> None:
            if after:
                real(*given)
            raise TryLater("killed")

        with monkeypatch.context() as patched, pytest.raises(TryLater):
            patched.setattr(owner, step, die)
            road.loader.erase_due()
    fresh = Erasing(data, engine)
    fresh.load([event(30, visitor="vis-ann2"), event(31, visitor="vis-ann")], lineage="c1")
    fresh.loader.erase_due()
    check_gone(fresh, asked)


async def test_api_erases_exports_and_refuses(engine: Engine, data: Path) -> None:
    road = Erasing(data, engine)

    def carried_out(site: str, visitors: Any, users: Any, actor: str) -> Any:
        asked = road.ask(site, visitors=tuple(visitors), users=tuple(users))
        road.loader.erase_due()
        return road.catalog.erasures.get(asked)

    async with serve(engine, data, erase=carried_out) as api:
        full_person(road)
        for one in road.catalog.audiences.list():
            road.catalog.audiences.delete(one.id)
        _, made = await api.ask(
            "POST", "/api/v1/audiences", {"site": "shop", "name": "clicked", "rule": {"did": {"event": "click"}}}
        )
        path = "/api/v1/people/ann"
        viewer = api.catalog.tokens.create("viewer")
        assert (await api.ask("DELETE", f"{path}?site=shop", token=viewer))[0] == 403
        assert (await api.ask("GET", f"{path}/export?site=shop", token=viewer))[0] == 403
        status, kept = await api.ask("GET", f"{path}/export?site=shop")
        assert (status, kept["users"], kept["visitors"]) == (200, ["ann", "ann-old"], PREVIOUS)
        assert [one["event"] for one in kept["events"]] == ["click", "identify", "click", "alias", "click", "consent"]
        assert kept["events"][4]["props"] == {"note": "MARK"}
        assert kept["identifiers"] == [{"kind": "email", "forms": {"e1": "ab" * 32}}]
        assert [one["text"] for one in kept["consents"]] == ["CQstring"]
        assert [one["id"] for one in kept["audiences"]] == [made["id"]]
        status, done = await api.ask("DELETE", f"{path}?site=shop")
        assert (status, done["state"], done["events"]) == (200, "done", 6)
        assert "ann" not in json.dumps(done)
        assert (await api.ask("GET", f"{path}/timeline?site=shop"))[0] == 404
        _, left = await api.ask("GET", f"{path}/export?site=shop")
        assert (left["left_alone"], left["events"], left["consents"]) == (["erased"], [], [])
        assert (await api.ask("GET", "/api/v1/people/nobody/export?site=shop"))[0] == 404
        _, known = await api.ask("GET", "/api/v1/erasures?site=shop")
        assert [one["events"] for one in known["erasures"]] == [6]
