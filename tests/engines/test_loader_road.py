"""The loader's promises, on both engines: every accepted event stored once, with its ending in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loading import T0, Road, event

from tracker.core.errors import Refused
from tracker.core.event import Rejected, Suppressed
from tracker.loader.ledger import LedgerView
from tracker.loader.loop import Loader
from tracker.spool.record import frame
from tracker.store.engine import Engine, Query, Session, Texts


@pytest.fixture
def road(data: Path, engine: Engine) -> Road:
    return Road(data, engine)


def test_events_are_stored_with_what_their_agent_url_and_referrer_say(road: Road) -> None:
    agent = (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0 Safari/537.36"
    )
    road.load(
        [
            event(
                1, type="page", name="page_view", ua=agent, url="https://shop.example/a?utm_source=news&utm_medium=email",
                referrer="https://www.google.com/", props={"a/b": [1, {"c": "é\n\"'"}], "n": 1.5}, value=9.99,
                currency="EUR", items=[{"item_id": "x", "price": 2, "quantity": 3}], user="u1", seq=4,
                original_ts=T0 - 5, country="DE", ads=1,
            )
        ]
    )  # fmt: skip
    columns = (
        "event, toString(id), toUnixTimestamp64Milli(ts), host, path, channel, utm_source, device, os, browser, bot,"
        " props,"
        " value, currency, items, user, seq, toUnixTimestamp64Milli(original_ts), country, ads,"
        " key = xxHash64('u:u1'),"
        " referrer_host"
    )
    assert road.rows(columns) == [
        (
            "page_view", "00000000-0000-0000-0000-000000000001", T0 + 1, "shop.example", "/a", "Email", "news",
            "desktop", "Windows", "Chrome", "", '{"a/b":[1,{"c":"é\\n\\"\'"}],"n":1.5}', 9.99, "EUR",
            [("x", "", "", 2.0, 3.0)], "u1", 4, T0 - 5, "DE", 1, 1, "www.google.com",
        )
    ]  # fmt: skip


def test_consent_nobody_spoke_about_stays_unknown_and_a_refusal_stays_a_refusal(road: Road) -> None:
    road.load([event(1), event(2, analytics=0, ads=0), event(3, analytics=1, ads=1)])
    assert road.rows("analytics, ads") == [(-1, -1), (0, 0), (1, 1)]


def test_every_record_has_an_ending(road: Road) -> None:
    records = [
        *(event(n) for n in range(1, 6)),
        event(3, arrival=99, name="other", ts=T0 + 10_000_000),
        Rejected(site="shop", arrival=7, received=T0, reason="no_name", message="no name", raw="{}"),
        Suppressed(site="shop", arrival=8, received=T0, reason="no_consent", n=4),
        event(9, site="blog"),
    ]
    road.write(records)
    assert road.ledger("shop")["waiting"] == 8
    road.loader.run_once()
    assert road.ledger("shop") == {
        "received": 11, "stored": 5, "duplicates": 1, "rejected": {"no_name": 1}, "suppressed": 4, "waiting": 0,
        "unexplained": 0,
    }  # fmt: skip
    assert road.ledger(None)["stored"] == 6
    assert len(road.rows()) == 6
    assert road.engine.ask(Query(text="select site, reason, message from rejected")).rows == [
        ("shop", "no_name", "no name")
    ]
    assert not road.spool.sealed()


def test_an_id_counts_once_whatever_batch_day_or_content_it_comes_with(road: Road) -> None:
    road.load([event(n) for n in range(10)])
    road.load([event(n, arrival=10_000 + n, ts=T0 + 86_400_000 * 40, name="changed", visitor="else") for n in range(5)])
    road.load([event(3, id=event(10).id.upper().replace("A", "a"), arrival=5), event(10, arrival=6)], "import-1")
    assert len(road.rows()) == 11
    assert road.physical() == 11
    assert road.ledger("shop")["duplicates"] == 6
    road.load([event(3, site="blog")])
    assert len(road.rows()) == 12


def test_the_first_arrival_in_a_batch_wins(road: Road) -> None:
    road.load([event(1, arrival=20, name="second"), event(1, arrival=10, name="first")])
    assert road.rows("event, arrival") == [("first", 10)]


def test_a_segment_that_is_loaded_again_changes_nothing(road: Road) -> None:
    events = [event(n) for n in range(100)]
    road.write(events)
    ref = road.spool.sealed()[0]
    blob = ref.path.read_bytes()
    road.loader.run_once()
    ref.path.write_bytes(blob)
    assert road.loader.run_once() == 0
    assert not road.spool.sealed()
    assert road.ledger("shop")["stored"] == 100


def test_a_crash_between_insert_and_ledger_is_repeated_and_never_seen_twice(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    road.write([event(n) for n in range(100)])

    def crash(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(road.catalog.ledger, "commit", crash)
        road.loader.run_once()
    assert road.ledger("shop")["waiting"] == 100
    road.engine.command(Query(text="system stop merges events"))
    try:
        road.loader.run_once()
        assert road.physical() == 200
        assert len(road.rows()) == 100
        assert road.ledger("shop")["stored"] == 100
    finally:
        road.engine.command(Query(text="system start merges events"))
    assert road.loader.doubts.settle() == 0
    assert road.physical() == 100
    assert len(road.rows()) == 100


def test_a_refused_event_costs_its_neighbours_nothing(road: Road) -> None:
    bad = {7: {"id": "no uuid"}, 20: {"ts": 0}, 21: {"name": ""}}
    road.write([event(n, seq=n, **bad.get(n, {})) for n in range(40)])
    road.loader.run_once()
    assert {row[0] for row in road.rows("seq")} == set(range(40)) - bad.keys()
    assert road.ledger("shop")["rejected"] == {"store_refused": 3}
    assert road.ledger("shop")["stored"] == 37
    kept = road.engine.ask(Query(text="select reason, message, raw from rejected final")).rows
    assert [row[0] for row in kept] == ["store_refused"] * 3
    assert {row[1] for row in kept} == {
        f"the store cannot hold it: the event needs {what}" for what in ("a UUID as its id", "a time", "a name")
    }
    assert all(row[2].startswith("{") for row in kept)


@pytest.fixture
def picky(road: Road) -> Iterator[Road]:
    """A store that takes no event named `poison`, though nothing is wrong with it by itself."""
    table = "events_local" if road.engine.cluster else "events"
    road.engine.command(Query(text=f"alter table {table} add constraint no_poison check event != 'poison'"))
    yield road
    road.engine.command(Query(text=f"alter table {table} drop constraint no_poison"))


def test_what_the_store_refuses_for_reasons_of_its_own_is_found_by_halving(picky: Road) -> None:
    bad = {3, 4, 39}
    picky.load([event(50)])
    picky.write(
        [
            *(event(n, seq=n, name="poison" if n in bad else "click", user=f"u{n}") for n in range(40)),
            event(50, arrival=99, name="again"),
            Rejected(site="shop", arrival=7, received=T0, reason="no_name", message="no name", raw="{}"),
        ]
    )
    picky.loader.run_once()
    assert {row[0] for row in picky.rows("seq", "event = 'click'")} == set(range(40)) - bad
    ledger = picky.ledger("shop")
    assert ledger == {
        "received": 43, "stored": 38, "duplicates": 1, "rejected": {"store_refused": 3, "no_name": 1}, "suppressed": 0,
        "waiting": 0, "unexplained": 0,
    }  # fmt: skip
    asked = Query(text="select message, raw from rejected final where reason = 'store_refused'")
    kept = picky.engine.ask(asked).rows
    assert len(kept) == 3 and all("ClickHouse refused" in message and raw.startswith("{") for message, raw in kept)
    users = picky.engine.ask(Query(text="select target from identity_links")).rows
    assert {user for (user,) in users} == {f"u{n}" for n in range(40) if n not in bad}
    # Replayed, they are no duplicates of themselves.
    picky.load([event(n, seq=n, arrival=1000 + n) for n in bad])
    assert picky.ledger("shop")["stored"] == 41


def test_enrichment_that_was_forgotten_is_found_out_again(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.loader.known._MOST", 3)
    monkeypatch.setattr(road.loader._intake, "batch_bytes", 1000)
    for batch in range(12):
        road.write([event(batch * 3 + n, url=f"https://shop.example/{batch * n}") for n in range(3)])
    road.loader.run_once()
    assert road.rows("path") == [(f"/{batch * n}",) for batch in range(12) for n in range(3)]
    fresh = Loader(road.spool, road.engine, road.catalog.ledger)
    road.write([event(100, url="https://shop.example/1")])
    fresh.run_once()
    assert road.rows("path")[-1] == ("/1",)


def test_a_bot_by_the_collectors_word_is_one_and_its_agent_is_nobody_elses_fault(road: Road) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0 Safari/537.36"
    road.load([event(1, ua=agent, bot="rate"), event(2, ua=agent), event(3, ua="Googlebot/2.1"), event(4)])
    assert road.rows("device, bot != '', browser") == [
        ("bot", 1, "Chrome"), ("desktop", 0, "Chrome"), ("bot", 1, "Googlebot"), ("", 0, ""),
    ]  # fmt: skip
    assert road.rows("bot")[0] == ("rate",)
    assert set(road.rows("ua")) == {("",)}, "what an agent says beyond family, version and system tells people apart"


def test_only_what_is_stored_says_who_is_who(road: Road) -> None:
    road.load([event(1)])
    road.write(
        [
            event(1, arrival=5, visitor="va", user="u1"),  # the same id again
            event(2, visitor="vb", user="u2", id="no uuid"),
            event(3, visitor="vc", user="u3"),
            event(4, site="blog", visitor="vd", user="u4"),
            event(4, site="blog", arrival=99, visitor="ve", user="u5"),
        ]
    )
    road.loader.run_once()
    links = road.engine.ask(Query(text="select site, source, target from identity_links order by all")).rows
    assert links == [("blog", "ve", "u5"), ("shop", "vc", "u3")]
    assert road.ledger("shop") == {
        "received": 4, "stored": 2, "duplicates": 1, "rejected": {"store_refused": 1}, "suppressed": 0, "waiting": 0,
        "unexplained": 0,
    }  # fmt: skip
    assert (road.ledger("blog")["stored"], road.ledger("blog")["duplicates"]) == (1, 1)


def test_history_over_more_than_a_hundred_months_is_one_insert(road: Road) -> None:
    road.load([event(n, ts=T0 - n * 31 * 86_400_000) for n in range(102)])  # 31 days on is always another month
    assert len(road.rows()) == 102
    assert road.ledger("shop")["stored"] == 102


def test_a_damaged_record_is_counted_and_costs_only_itself(road: Road) -> None:
    road.write([event(n) for n in range(50)])
    ref = road.spool.sealed()[0]
    blob = bytearray(ref.path.read_bytes())
    blob[blob.find(b'"id"', len(blob) // 2)] ^= 1
    ref.path.write_bytes(blob)
    road.loader.run_once()
    assert road.ledger(None)["rejected"] == {"unreadable": 1}
    assert road.ledger(None)["stored"] == 49
    assert road.ledger(None)["received"] == 50
    assert len(road.rows()) == 49


def test_a_row_that_the_store_lost_is_unexplained_and_an_erased_one_is_not(road: Road) -> None:
    road.load([event(n) for n in range(20)])
    view = LedgerView(road.spool, road.catalog.ledger, road.loader.audit.missing)
    road.load([event(1000, site="_canary")])  # of our own: in no count over all sites
    road.loader.audit.count()
    assert view("shop")["unexplained"] == view(None)["unexplained"] == 0
    road.engine.command(Query(text="delete from events where site = 'shop' and arrival % 160 = 0"))
    gone = 20 - len(road.rows(where="site = 'shop'"))
    assert gone > 0
    road.loader.audit.count()
    assert view("shop")["unexplained"] == gone
    assert view(None)["unexplained"] == gone
    road.engine.command(Query(text="insert into erased (site, events) select 'shop', {n:UInt64}", params={"n": gone}))
    road.loader.audit.count()
    assert view("shop")["unexplained"] == 0


def test_a_segment_that_vanished_is_unexplained(road: Road) -> None:
    road.write([event(n) for n in range(5)])
    road.write([event(n) for n in range(5, 12)])
    road.write([event(n) for n in range(12, 20)])
    road.spool.sealed()[1].path.unlink()
    road.loader.run_once()
    assert road.ledger(None)["unexplained"] == 7


def test_a_segment_without_header_and_trailer_waits_for_its_successor(road: Road) -> None:
    road.write([event(n) for n in range(5)])
    ref = road.spool.sealed()[0]
    lines = ref.path.read_bytes().splitlines(keepends=True)
    ref.path.write_bytes(b"".join([b"x" * 20 + b"\n", *lines[1:-1]]))
    road.loader.run_once()
    assert road.ledger(None)["waiting"] == 5
    road.write([event(n) for n in range(5, 8)])
    road.loader.run_once()
    ledger = road.ledger(None)
    assert (ledger["stored"], ledger["waiting"], ledger["unexplained"]) == (8, 0, 0)


def test_identifiers_go_to_the_vault_and_never_into_events(road: Road) -> None:
    road.loader._vault = road.catalog.vault
    road.load([event(1, type="identify", name="identify", user="u1", vault="c2VhbGVk")])
    assert road.catalog.vault.get("shop", user="u1") == ["c2VhbGVk"]
    assert "c2VhbGVk" not in str(road.rows("*"))


def test_what_an_identify_says_changes_who_earlier_events_belong_to(road: Road) -> None:
    road.load([event(n, visitor="v1") for n in range(3)])
    road.load([event(5, visitor="v1", user="u1")])
    mapped = road.engine.ask(
        Query(text="select key = xxHash64('v:v1'), person = xxHash64('u:u1') from person_map final")
    ).rows
    assert mapped == [(1, 1)]


def test_a_segment_of_a_newer_format_is_kept_and_holds_up_nobody(road: Road) -> None:
    road.write([event(n) for n in range(3)])
    folder = road.data / "spool" / "c1"
    folder.mkdir()
    newer = folder / "000000000001.seg"
    newer.write_bytes(
        frame(b'{"k":"h","v":2,"lineage":"c1","segment":1,"start":0}') + frame(b'{"k":"e","site":"shop"}')
    )
    for _ in range(2):
        road.loader.run_once()
    assert road.spool.sealed()[0].path == newer
    ledger = road.ledger("shop")
    assert (ledger["stored"], ledger["waiting"], ledger["unexplained"]) == (3, 1, 0)


class Squeamish:
    """A store that cannot even take certain lines apart."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.kind, self.cluster = engine.kind, engine.cluster

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def session(self) -> Session:
        session = self._engine.session()
        honest = session.command

        def command(query: Query) -> None:
            given = query.tables.get("texts")
            texts = [one for _, one in given.data] if isinstance(given, Texts) else []
            if any(b'"poison"' in (one.read_bytes() if isinstance(one, Path) else one) for one in texts):
                raise Refused("ClickHouse refused the rows (FOR_THIS_TEST)")
            honest(query)

        session.command = command  # type: ignore[method-assign]
        return session


def test_a_line_that_cannot_be_taken_apart_is_found_by_halving(data: Path, engine: Engine) -> None:
    road = Road(data, Squeamish(engine))  # type: ignore[arg-type]
    road.write([event(n, seq=n, name="poison" if n in (0, 8, 9) else "click") for n in range(20)])
    road.loader.run_once()
    assert {row[0] for row in road.rows("seq")} == set(range(20)) - {0, 8, 9}
    ledger = road.ledger("shop")
    assert (ledger["stored"], ledger["rejected"], ledger["unexplained"]) == (17, {"store_refused": 3}, 0)
