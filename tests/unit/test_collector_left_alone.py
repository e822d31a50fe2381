"""The suppression list, Do Not Track and consent strings over HTTP."""

from __future__ import annotations

import msgspec
import pytest
from collector_http import ORIGIN, YES, put_sites

from tracker.collector import suppressions
from tracker.collector.endpoints import SERVICE
from tracker.core.event import Event, Suppressed
from tracker.core.identifiers import keys_of
from tracker.core.privacy import PrivacySettings
from tracker.core.site import Site, SitesFile
from tracker.core.suppression import FILE, Entry, State, encode, hash_of

KEY = "11" * 32
SHOP = Site(name="shop", write_key="wk", domains=("shop.example",), identifier_key=KEY)
COOKIE = {"Cookie": "jt_vid=visitor-0001"}


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(suppressions, "_LOOK_EVERY", 0.0)


def put_list(data, **reasons):
    keys = keys_of("shop", "wk", KEY)
    entries = [Entry(hash_of(keys, "visitor", name.replace("_", "-")), why, 0) for name, why in reasons.items()]
    (data / FILE).write_bytes(encode({"shop": entries}))


def event(**given):
    return {"type": "track", "name": "x", "visitor": "visitor-1", "consent": YES, **given}


async def test_the_list_is_heeded_and_read_again_when_it_changes(start):
    collector = await start()
    (collector.data / "sites.json").write_bytes(msgspec.json.encode(SitesFile(sites=(SHOP,), suppression=True)))
    put_list(collector.data, visitor_0001=State.ERASED)
    answer = await collector.events(event(visitor="visitor-0001"), headers=ORIGIN | COOKIE)
    assert answer.status == 204
    assert "Max-Age=0" in answer.headers["Set-Cookie"]  # the next visit begins with a new id
    await collector.events(event(visitor="other-000001"), headers=ORIGIN | COOKIE)  # the cookie says who it is
    await collector.events(event(visitor="other-000001"), headers=ORIGIN)
    put_list(collector.data, other_000001=State.OPTOUT)
    await collector.events(event(visitor="other-000001"), headers=ORIGIN)
    (collector.data / FILE).write_bytes(b"damaged")
    await collector.events(event(visitor="third-000001"), headers=ORIGIN)
    found = [getattr(one, "reason", None) or one.mode for one in collector.stored()]
    assert found == ["suppressed", "suppressed", "M4", "M2", "list_unreadable"]


async def test_do_not_track_counts_where_the_site_honours_it(start):
    collector = await start()
    for honours in (False, True):
        put_sites(collector.data, msgspec.structs.replace(SHOP, privacy=PrivacySettings(honour_dnt=honours)))
        collector.app[SERVICE].sites._look()
        await collector.events(event(), headers=ORIGIN | {"DNT": "1"})
    assert [(one.mode, one.gpc) for one in collector.stored()] == [("M4", 0), ("M2", 1)]


async def test_a_consent_string_is_stored_once_and_its_hash_with_every_event(start):
    collector = await start()
    said = {"analytics": True, "usp": "1YNN"}
    await collector.events({**event(), "type": "consent", "consent": said}, event(consent=said), headers=ORIGIN)
    decided, later = collector.stored()
    assert isinstance(decided, Event)
    assert isinstance(later, Event)
    assert (decided.consent_text, later.consent_text) == ("1YNN", "")
    assert decided.consent == later.consent
    assert len(later.consent) == 32
    await collector.events(event(consent={"tcf": "nonsense"}), headers=ORIGIN)
    assert isinstance(collector.stored()[2], Suppressed)
