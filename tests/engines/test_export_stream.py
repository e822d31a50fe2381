"""Exports read the store as a stream: what happens meanwhile counts, and nobody is in it twice or left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from loading import T0, event
from test_network_exports import Shop, hashes

from tracker.audiences import membership
from tracker.audiences.changes import changes, people_of
from tracker.audiences.definition import Definition
from tracker.audiences.reader import Found, Reader
from tracker.audiences.rules import All
from tracker.catalog.deliveries import There
from tracker.catalog.suppressions import Deed
from tracker.core.identity import user_key, visitor_key
from tracker.core.suppression import Reason, hash_of
from tracker.networks import NETWORKS
from tracker.store import persons
from tracker.store.engine import Engine

EVERYBODY = range(1, 13)


def test_what_happens_while_it_is_read_counts(engine: Engine, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "IN_A_PIECE", 2)
    shop = Shop(data, engine)
    shop.come(*EVERYBODY)
    number = {user_key(f"u{n}"): n for n in EVERYBODY}
    people = sorted(number)
    gone = people[4] + 1  # nobody ever was this
    pieces = Reader(engine, shop.catalog, shop.site, NETWORKS["criteo"]).read(people_of([*people, gone]))
    found = next(pieces)
    assert 1 <= len(found) <= 2
    assert [(one.person, one.verdict) for one in found] == [(one, "exportable") for one in people[: len(found)]]

    withdrawn, listed, known_listed, merged, into = (number[people[at]] for at in (3, 5, 7, 9, 11))
    shop.say(50, withdrawn, 0)
    deed = Deed("shop", hash_of(shop.keys, "user", f"u{listed}"), "user", Reason.OPTOUT, T0)
    shop.catalog.suppressions.apply([deed], "test")  # the store has not heard of it yet
    persons.suppress(engine, "shop", [user_key(f"u{known_listed}")], listed=True, version=T0)
    alias = event(7000, visitor="", user=f"u{into}", previous=f"u{merged}", type="alias", name="alias")
    shop.load([alias])

    for piece in pieces:
        found += piece
    assert [one.person for one in found] == sorted([*people, gone])
    said = {one.person: one.verdict for one in found}
    expected = dict.fromkeys(people, "exportable") | {
        gone: "erased",
        people[3]: "opted_out",
        people[5]: "suppressed",
        people[7]: "suppressed",
        people[9]: "erased",
    }
    assert said == expected
    assert all((one.member is not None) == (one.verdict == "exportable") for one in found)
    assert {one.member.forms["email.e1"] for one in found if one.member} == hashes(
        *(number[person] for person in people if said[person] == "exportable")
    )


def test_bots_only_and_strangers_are_nobody(embedded: Engine, data: Path) -> None:
    shop = Shop(data, embedded)
    shop.load([event(1, visitor="v1"), event(2, visitor="robot")])
    embedded.command(_as_bot("robot"))
    asked = people_of([visitor_key("v1"), visitor_key("robot"), 7])
    [*pieces] = Reader(embedded, shop.catalog, shop.site, NETWORKS["csv"]).read(asked)
    found = {one.person: one for piece in pieces for one in piece}
    assert found[7] == Found(7, "erased")
    assert found[visitor_key("robot")].verdict == "erased"
    member = found[visitor_key("v1")].member
    assert member is not None and member.forms["card.visitor"] == "v1"
    assert list(Reader(embedded, shop.catalog, shop.site, NETWORKS["csv"]).read(people_of())) == []


def _as_bot(visitor: str):  # type: ignore[no-untyped-def]
    from tracker.store.engine import Query

    text = "alter table events update bot = 'robot' where visitor = {v:String} settings mutations_sync = 1"
    return Query(text=text, params={"v": visitor})


def test_changes_are_those_of_a_ledger_that_names_persons_by_older_keys(embedded: Engine, data: Path) -> None:
    """Against sets in plain Python, with keys that became somebody else's and times before and after the limit."""
    shop = Shop(data, embedded)
    shop.come(*range(1, 61))
    dice = np.random.default_rng(5)
    whole = Definition(site="shop", rule=All(()), holdout=0.0)
    for few in (1, 5):
        members = {user_key(f"u{n}") for n in range(1, 61) if dice.random() < 0.8}
        ledger = {
            key: int(dice.integers(0, 100))
            for n in range(1, 61)
            for key, share in ((user_key(f"u{n}"), 0.5), (visitor_key(f"v{n}"), 0.3))
            if dice.random() < share
        }
        there = There(3)
        for key in sorted(ledger):
            there.people.append(key)
            there.at.append(ledger[key])
        found = changes(embedded, shop.site, whole, leaving=people_of(members), delivered=there, due_before=30, few=few)
        now = {visitor_key(f"v{n}"): user_key(f"u{n}") for n in range(1, 61)}
        since: dict[int, int] = {}
        for key, at in ledger.items():
            since[now.get(key, key)] = max(at, since.get(now.get(key, key), 0))
        add = {one for one in members if since.get(one, 0) <= 30}
        new = {one for one in add if one not in since}
        if 0 < len(new) < few:
            add -= new
        left = {key for key in ledger if now.get(key, key) not in members}
        assert set(found.add.tolist()) == add
        assert found.unchanged == len([one for one in members if since.get(one, 0) > 30])
        assert set(found.left.tolist()) == (set() if len(left) < few else left)
        assert not len(found.refused)
