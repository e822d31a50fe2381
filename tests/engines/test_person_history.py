"""What happened to a person beside their events, under all ids they went by, and nothing of anybody else."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from api_client import serve
from small_history import put, put_members

from tracker.api import answers_people, answers_privacy, person_history
from tracker.catalog import Catalog
from tracker.catalog.consents import Choice
from tracker.catalog.contacts import Contact, Frequency
from tracker.catalog.deliveries import Added, Delivery, Line
from tracker.core.identity import user_key, visitor_key
from tracker.core.period import rfc3339
from tracker.store.engine import Engine, Query

T0 = 1_795_000_000_000
ANN, HER_PHONE, BOB = user_key("ann"), visitor_key("v1"), user_key("bob")


def delivered(catalog: Catalog, audience: str, network: str, people: list[int], at: int) -> None:
    one = catalog.exports.create("shop", audience, network=network, mode="full", actor="t", min_size=1, details={})
    line = Line("shop", audience, network)
    generation, _ = catalog.deliveries.now(line)
    added = [Added(person, "sealed") for person in people]
    delivery = Delivery(line=line, generation=generation, at=at, added=added)
    catalog.exports.finish(one.id, counts={}, files=(), delivery=delivery)


async def test_everything_is_told_once_newest_first(
    engine: Engine, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(engine, data) as api:
        catalog = api.catalog
        catalog.sites.create("shop")
        put(
            engine,
            [
                {"event": "view", "visitor": "v1", "ts": T0},
                {"event": "login", "visitor": "v1", "user": "ann", "ts": T0 + 1},
                {"event": "login", "visitor": "v2", "user": "bob", "ts": T0 + 1},
            ],
        )
        more = {"duration": "30d", "holdout": 0.0, "refresh": "5m"}
        fans = catalog.audiences.create("shop", "Fans", {"did": {"event": "view"}}, **more).id
        put_members(engine, "shop", {fans: [ANN, BOB], "aud_gone": [BOB]})
        again = (
            "insert into members select site, audience, person, 5, entered_by, 9, 'time', verdict, granted, arm, armed,"
            " 2 from members where person = {bob:UInt64}"
        )
        engine.command(Query(text=again, params={"bob": BOB}))  # a second stay, of Bob
        said = {"site": "shop", "analytics": 1, "gpc": 0, "mode": "opt-in", "source": "banner"}
        catalog.consents.note(
            [
                Choice(subject="v:v1", at=T0 + 10, ads=1, event="e1", **said),
                Choice(subject="u:ann", at=T0 + 30, ads=0, event="e2", **said),
                Choice(subject="u:bob", at=T0 + 31, ads=1, event="e3", **said),
            ]
        )
        catalog.contacts.set_frequency("shop", Frequency(5, 7))
        contact = Contact(site="shop", audience=fans, channel="meta", export="exp_1", at=T0 + 40)
        catalog.contacts.claim(contact, Frequency(5, 7), [HER_PHONE, BOB], {}, {})
        delivered(catalog, fans, "meta", [HER_PHONE, BOB], T0 + 41)  # the same, as the ledger knows it
        delivered(catalog, fans, "tiktok", [ANN], T0 + 42)
        catalog.coupons.add("shop", "spring", ["A", "B"])
        catalog.coupons.give("shop", "spring", [BOB, HER_PHONE], {}, "exp_1")

        status, answer = await api.ask("GET", "/api/v1/people/ann/history?site=shop")
        assert status == 200
        msgspec.convert(answer, answers_people.PersonHistory, strict=True)
        history = answer["history"]
        assert [one["at"] for one in history] == sorted((one["at"] for one in history), reverse=True)
        [coupon] = [one for one in history if one["kind"] == "coupon"]
        assert (coupon["pool"], coupon["code"]) == ("spring", "B")
        fan = {"audience": fans, "name": "Fans"}
        rest = [one for one in history if one is not coupon]
        assert rest == [
            {"kind": "delivered", "at": rfc3339(T0 + 42), **fan, "network": "tiktok"},
            {"kind": "contacted", "at": rfc3339(T0 + 40), **fan, "network": "meta"},
            {"kind": "consent", "at": rfc3339(T0 + 30), "consent": consent(0)},
            {"kind": "consent", "at": rfc3339(T0 + 10), "consent": consent(1)},
            {"kind": "audience_entered", "at": rfc3339(1), **fan, "by": "event"},
        ]
        assert (await api.ask("GET", "/api/v1/people/v1/history?site=shop"))[1] == answer  # the same person
        _, bob = await api.ask("GET", "/api/v1/people/bob/history?site=shop")
        stays = [(one["kind"], one["name"], one["by"]) for one in bob["history"] if one["kind"].startswith("audience")]
        assert sorted(stays) == [
            ("audience_entered", "", "event"),
            ("audience_entered", "", "event"),
            ("audience_entered", "Fans", "event"),
            ("audience_entered", "Fans", "event"),
            ("audience_left", "", "time"),
            ("audience_left", "Fans", "time"),
        ]
        _, kept = await api.ask("GET", "/api/v1/people/ann/export?site=shop")
        msgspec.convert(kept, answers_privacy.PersonExport, strict=True)
        assert kept["history"] == history
        _, his = await api.ask("GET", "/api/v1/people/bob/export?site=shop&kind=user")
        assert his["history"] == bob["history"]
        assert [one["code"] for one in his["history"] if one["kind"] == "coupon"] == ["A"]
        monkeypatch.setattr(person_history, "MOST", 2)  # what is shown ends there, what is handed over does not
        assert len((await api.ask("GET", "/api/v1/people/ann/history?site=shop"))[1]["history"]) == 2
        _, kept = await api.ask("GET", "/api/v1/people/v1/export?site=shop")
        assert kept["history"] == history
        status, _ = await api.ask("GET", "/api/v1/people/nobody/history?site=shop")
        assert status == 404


def consent(ads: int) -> dict[str, object]:
    return {"change": "first", "analytics": 1, "ads": ads, "gpc": 0, "source": "banner"}
