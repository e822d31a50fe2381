"""The suppression list: its file, what a collector makes of it, and the log behind it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.catalog import Catalog
from tracker.catalog.suppressions import Deed
from tracker.collector import suppressions
from tracker.collector.consent import Region
from tracker.collector.place import Place
from tracker.collector.protocols.native import NativeEvent
from tracker.collector.road import Context, to_body, travel, turn_away
from tracker.collector.suppressions import Suppressions
from tracker.core.drops import Reject, Suppress
from tracker.core.errors import BadRequest, Broken
from tracker.core.event import Event, RawConsent, Rejected, Suppressed
from tracker.core.identifiers import keys_of
from tracker.core.privacy import PrivacySettings
from tracker.core.site import Site
from tracker.core.suppression import FILE, Entry, Reason, State, decode, encode, hash_of, person

NOW = 1_795_000_000_000
KEY = "11" * 32
KEYS = keys_of("shop", "wk", KEY)
EMAIL = "ann@shop.example"
HASHES = st.binary(min_size=16, max_size=16)


@given(st.dictionaries(st.sampled_from(["shop", "b", "c"]), st.dictionaries(HASHES, st.integers(1, 63), max_size=30)))
def test_the_file_gives_back_what_was_written(wanted):
    listed = {site: [Entry(one, reasons, 7) for one, reasons in found.items()] for site, found in wanted.items()}
    snapshot = decode(encode(listed))
    for site, entries in listed.items():
        assert snapshot.has(site) == bool(entries)
        assert all(snapshot.find(site, entry.hash) == entry for entry in entries)
        assert snapshot.find(site, b"not in the list!") is None
    assert snapshot.find("nowhere", b"\0" * 16) is None


def test_a_damaged_file_is_no_list():
    whole = encode({"shop": [Entry(b"a" * 16, 1, 0), Entry(b"b" * 16, 2, 0)]})
    for at in range(len(whole)):
        with pytest.raises(Broken):
            decode(whole[:at])
    for at in range(whole.index(b"\n") + 1, len(whole)):
        with pytest.raises(Broken):
            decode(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])


def test_nobody_is_named_and_every_site_has_its_own_hashes():
    other = keys_of("other", "wk2", "22" * 32)
    assert hash_of(KEYS, "visitor", "v1") != hash_of(other, "visitor", "v1")
    assert hash_of(KEYS, "visitor", "v1") != hash_of(KEYS, "user", "v1")
    assert person(KEYS, "user", EMAIL).stored.startswith("e:")
    assert EMAIL.encode() not in encode({"shop": [Entry(person(KEYS, "email", EMAIL).hash, 1, 0)]})
    assert person(KEYS, "email", " Ann@Shop.example ").hash == person(KEYS, "email", EMAIL).hash
    assert person(KEYS, "phone", "+49 170 1234567").hash == person(KEYS, "phone", "00491701234567").hash
    assert person(KEYS, "hash", "0f" * 16).hash == b"\x0f" * 16


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "ab" * 32),
        ("email", "ann"),
        ("phone", "0170 1234567"),
        ("hash", "0F" * 16),
        ("hash", "ab" * 32),
        ("visitor", ""),
        ("visitor", "x" * 256),
        ("shoe", "42"),
    ],
)
def test_a_wrong_form_is_refused_without_being_repeated(kind, value):
    with pytest.raises(BadRequest) as refused:
        person(KEYS, kind, value)
    assert not value or value not in refused.value.message


def put(data: Path, *people: tuple[str, str, int], since: int = 0) -> None:
    found: dict[bytes, int] = {}
    for kind, name, reasons in people:
        one = person(KEYS, kind, name).hash
        found[one] = found.get(one, 0) | reasons
    (data / FILE).write_bytes(encode({"shop": [Entry(one, why, since // 1000) for one, why in found.items()]}))


class Gate:
    """The road with a list beside it."""

    def __init__(self, data: Path, consent: str = "opt-in", **more: Any) -> None:
        self.data, self.lists = data, Suppressions(data)
        self.site = Site(name="shop", write_key="wk", consent=consent, identifier_key=KEY, privacy=PrivacySettings())
        self.arrivals = itertools.count(16, 16)
        self.more = more

    def context(self, **more: Any) -> Context:
        given = {
            "source": "native",
            "browser": True,
            "place": Place("10.1.2.0", "DE", Region.OPT_IN),
            "listed": self.lists.of(KEYS, expected=True),
        }
        return Context(
            site=self.site, keys=KEYS, received=NOW, arrival=lambda: next(self.arrivals), **given | self.more | more
        )

    def __call__(self, context: dict[str, Any] | None = None, **said: Any) -> Any:
        given = {"type": "track", "name": "look", "visitor": "v1", "consent": RawConsent(analytics=True, ads=True)}
        record, _ = to_body(NativeEvent(**given | said), self.context(**context or {}))
        return record


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Every request looks at the file."""
    monkeypatch.setattr(suppressions, "_LOOK_EVERY", 0.0)


REASONS = [
    # reason     mode or why it was suppressed
    (State.GPC, "M2"),
    (State.OPTOUT, "M2"),
    (State.WITHDRAWN, Suppress.SUPPRESSED),
    (State.ERASED, Suppress.SUPPRESSED),
    (State.LEGAL, Suppress.SUPPRESSED),
    (State.CHILD, Suppress.CHILD),
]


@pytest.mark.parametrize(("reason", "ending"), REASONS, ids=str)
@pytest.mark.parametrize("kind", ["visitor", "user", "cookie", "email as user"])
def test_each_reason_takes_away_whatever_the_person_is_known_by(tmp_path, reason, ending, kind):
    name = {"visitor": "v9", "user": "u9", "cookie": "cookie-visitor", "email as user": EMAIL}[kind]
    listed = {"cookie": "visitor", "email as user": "email"}.get(kind, kind)
    put(tmp_path, (listed, name, int(reason)))
    gate = Gate(tmp_path)
    assert gate().mode == "M4"  # somebody else
    said = {"visitor": {"visitor": name}, "cookie": {}}.get(kind, {"user": name})
    record = gate({"cookie": name} if kind == "cookie" else {}, **said)
    if isinstance(record, Suppressed):
        assert record.reason == ending
    else:
        assert (record.mode, record.ads) == (ending, 0)


def test_an_unreadable_list_stands_for_everybody(tmp_path):
    gate = Gate(tmp_path)
    assert gate().reason == Suppress.LIST_UNREADABLE  # there must be one, and there is none
    put(tmp_path)
    assert gate().mode == "M4"
    (tmp_path / FILE).write_bytes(b"{}")
    assert gate().reason == Suppress.LIST_UNREADABLE
    put(tmp_path)
    assert gate().mode == "M4"
    (tmp_path / FILE).unlink()
    assert gate().reason == Suppress.LIST_UNREADABLE
    assert Suppressions(tmp_path).of(KEYS, expected=False).active is False  # a folder that never had one
    text = b'{"type":"track","visitor":"v1"}'
    assert turn_away(Reject.UNREADABLE, "no", gate.context(), text).raw == ""


def test_a_withdrawal_ends_with_a_later_yes_and_with_nothing_else(tmp_path):
    put(tmp_path, ("visitor", "v1", State.WITHDRAWN), since=NOW - 5_000)
    gate = Gate(tmp_path)
    yes = RawConsent(analytics=True, ads=True)
    assert isinstance(gate(), Suppressed)  # repeating an old yes is no new one
    assert isinstance(gate(type="consent", name="", ts=NOW - 9_000, consent=yes), Suppressed)
    assert isinstance(gate(type="consent", name="", consent=RawConsent(ads=True)), Suppressed)
    assert isinstance(gate(), Suppressed)
    assert isinstance(gate(type="consent", name="", ts=NOW - 1_000, consent=yes), Event)
    assert gate().mode == "M4"  # at once, though the file does not know yet
    assert isinstance(gate({"keep_times": True}, visitor="v2"), Event)


def test_a_withdrawal_counts_at_once(tmp_path):
    put(tmp_path)
    gate = Gate(tmp_path)
    assert gate().mode == "M4"
    record = gate(type="consent", name="", consent=RawConsent(analytics=False))
    assert (record.type, record.visitor, record.analytics) == ("consent", "v1", 0)
    assert isinstance(gate(), Suppressed)
    assert gate(visitor="v2").mode == "M4"


def test_a_yes_in_an_import_is_as_old_as_it_says(tmp_path):
    put(tmp_path, ("user", "u1", State.WITHDRAWN), since=NOW - 5_000)
    gate = Gate(tmp_path, browser=False, keep_times=True, source="import")
    assert isinstance(gate(user="u1", ts=NOW - 90_000), Suppressed)
    old = gate(type="consent", name="", user="u1", ts=NOW - 90_000)
    assert isinstance(old, Suppressed)
    assert isinstance(gate(user="u1", ts=NOW - 90_000), Suppressed)


def test_the_memory_of_recent_decisions_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(suppressions, "_MOST_RECENT", 3)
    put(tmp_path)
    gate = Gate(tmp_path)
    for number in range(9):
        gate(type="consent", name="", visitor=f"v{number}", consent=RawConsent(analytics=False))
    assert len(gate.lists._recent) == 3
    assert isinstance(gate(visitor="v8"), Suppressed)


def test_no_identifiers_are_sealed_for_whoever_opted_out(tmp_path):
    put(tmp_path, ("email", EMAIL, State.OPTOUT), ("visitor", "v7", State.GPC))
    gate = Gate(tmp_path, consent="opt-out")
    assert gate(props={"email": "bob@shop.example"}).vault
    assert not gate(props={"email": EMAIL}).vault
    assert not gate(visitor="v7", props={"email": "bob@shop.example"}).vault


def test_the_text_of_a_rejected_event_is_not_kept_of_whoever_is_to_be_left_alone(tmp_path):
    put(tmp_path, ("visitor", "v1", State.ERASED))
    gate = Gate(tmp_path)
    for visitor, kept in (("v1", False), ("v2", True)):
        raw = NativeEvent(type="track", name="", visitor=visitor, consent=RawConsent(analytics=True))
        record = travel(raw, gate.context())
        assert isinstance(record, Rejected)
        assert bool(record.raw) is kept


def catalog(data: Path) -> Catalog:
    return Catalog(f"sqlite:///{data}/catalog.sqlite", data / "sites.json")


def deed(reason: Reason, at: int, lift: bool = False) -> Deed:
    return Deed("shop", hash_of(KEYS, "visitor", "v1"), "visitor", reason, at, lift)


def test_the_log_amounts_to_a_set_that_survives_a_restart(tmp_path):
    wanted = hash_of(KEYS, "visitor", "v1")
    with catalog(tmp_path) as first:
        assert first.suppressions.apply([deed(Reason.GPC, 5), deed(Reason.GPC, 6)], "event") == 1
        assert first.suppressions.apply([deed(Reason.GPC, 5)], "event") == 0
        assert first.suppressions.apply([deed(Reason.WITHDRAWN, 7_000)], "event") == 1
        assert first.suppressions.apply([deed(Reason.WITHDRAWN, 6_000, lift=True)], "event") == 0
        assert first.suppressions.apply([deed(Reason.WITHDRAWN, 9_000, lift=True)], "event") == 1
        assert first.suppressions.apply([deed(Reason.WITHDRAWN, 8_000)], "event") == 0  # comes late
        assert first.suppressions.find("shop", [wanted]) == {wanted: State.GPC}
        assert first.suppressions.apply([deed(Reason.WITHDRAWN, 10_000), deed(Reason.LEGAL, 1)], "api") == 2
    (tmp_path / FILE).unlink()
    with catalog(tmp_path) as again:  # writes the file anew
        assert again.suppressions.find("other", [wanted]) == {}
        [entry] = again.suppressions.list("shop")["entries"]
        assert entry["reasons"] == ["gpc", "withdrawn", "legal"]
    found = decode((tmp_path / FILE).read_bytes()).find("shop", wanted)
    assert found == Entry(wanted, State.GPC | State.WITHDRAWN | State.LEGAL, 10)


def test_the_file_is_there_before_the_sites_say_that_it_must_be(tmp_path):
    with catalog(tmp_path) as made:
        made.sites.create("shop")
    assert b'"suppression": true' in (tmp_path / "sites.json").read_bytes()
    assert decode((tmp_path / FILE).read_bytes()).has("shop") is False
