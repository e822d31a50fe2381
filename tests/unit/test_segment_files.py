"""The files that collectors look persons up in are what refreshes found, in whatever pieces they are written."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from tracker.audiences.refresh import Refreshed
from tracker.audiences.touched import Found
from tracker.catalog.memberships import Membership
from tracker.core import membership as files
from tracker.core.errors import Broken
from tracker.wiring import segment_files
from tracker.wiring.segment_files import SegmentFiles

IDS = [f"aud_{at}" for at in range(11)]  # bits of a key are two bytes
CHANCE = random.Random(7)
KEYS = [0, 2**64 - 1, *(CHANCE.randrange(2**64) for _ in range(60))]


class Shop:
    """What the store would say, and the files."""

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data, self.inside = data, {one: set[int]() for one in IDS}
        self.made = 0
        monkeypatch.setattr("tracker.audiences.membership.keys", lambda _engine, _site, one, _: [self.stored(one)])
        monkeypatch.setattr(segment_files.time, "time_ns", self.tick)
        self.files = SegmentFiles(None, data)  # type: ignore[arg-type] - of the store only `membership.keys` is asked

    def stored(self, audience: str) -> list[int]:
        return sorted(self.inside[audience])

    def tick(self) -> int:
        self.made += 1
        return self.made

    def put(self, audiences: Iterable[str], touched: list[int] | None) -> None:
        done, inside = [], {}
        for one in audiences:
            state = Membership(audience=one, site="shop", as_of=5, exportable=len(self.inside[one]))
            done.append(Refreshed(state, changed=True, everybody=touched is None))
            inside[one] = sorted(self.inside[one].intersection(touched or ()))
        if touched is not None:
            self.files.note("shop", Found(touched, inside))
        self.files.put("shop", done)
        self.files.fold("shop")

    def found(self, key: int) -> set[str]:
        """As the collector reads."""
        recent = files.recent_of(self.data, "shop")
        changes = files.read_recent(recent.read_bytes()) if recent.exists() else None
        paths = [path for one in IDS if (path := files.path_of(self.data, "shop", one)).exists()]
        return set(files.holding([files.read(memoryview(path.read_bytes())) for path in paths], changes, key))

    def check(self) -> None:
        for key in [*KEYS, 5]:
            assert self.found(key) == {one for one in IDS if key in self.inside[one]}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(tmp_path, monkeypatch)


def test_a_look_up_finds_what_refreshes_found(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    dice, taken_over = random.Random(3), 0
    monkeypatch.setattr(segment_files, "MOST_RECENT", 25)
    monkeypatch.setattr(segment_files, "_FOLDING_S", 0.0)  # one audience a round takes over
    for turn in range(120):
        touched = dice.sample(KEYS, dice.randint(1, 9))
        changing = dice.sample(IDS, dice.randint(1, len(IDS)))
        for one in changing:
            for key in touched:
                (set.add if dice.random() < 0.4 else set.discard)(shop.inside[one], key)
        before = shop.made
        shop.put(changing, None if dice.random() < 0.05 else touched)
        taken_over += shop.made > before and turn > 20
        if dice.random() < 0.1:
            shop.files = SegmentFiles(None, shop.data)  # type: ignore[arg-type] - another process
        if dice.random() < 0.1:  # somebody is erased
            gone = set(dice.sample(KEYS, dice.randint(1, 3)))
            for one in IDS:
                shop.inside[one] -= gone
                path = files.path_of(shop.data, "shop", one)
                if path.exists():
                    old = files.read(memoryview(path.read_bytes()))
                    path.write_bytes(old.without(gone))
                    left = files.read(memoryview(path.read_bytes()))
                    assert list(left.keys) == [key for key in old.keys if key not in gone]
                    assert left.head == files.Head(1, "shop", one, old.head.at, len(left.keys), old.head.made)
            recent = files.recent_of(shop.data, "shop")
            if recent.exists():
                recent.write_bytes(files.read_recent(recent.read_bytes()).without(gone))
        shop.check()
    assert taken_over > 20
    shop.files.tidy({"shop": IDS[:3]})
    left = {path.name for path in (shop.data / "segments" / "shop").iterdir()}
    assert left == {files.RECENT, *(f"{one}.bin" for one in IDS[:3])}


def test_a_crash_between_two_files_shows_nothing_wrong(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.put(IDS, None)
    for one in IDS:
        shop.inside[one] = set(KEYS[:20])
    shop.put(IDS, KEYS[:20])
    monkeypatch.setattr(segment_files, "MOST_RECENT", 3)
    monkeypatch.setattr(SegmentFiles, "_save", lambda *_: None)  # the files of audiences are written, `recent` is not
    for one in IDS:
        shop.inside[one] = set(KEYS[10:30])
    shop.put(IDS, KEYS[:30])
    shop.check()
    monkeypatch.undo()


def test_a_damaged_file_of_changes_is_made_good(shop: Shop) -> None:
    shop.put(IDS, None)
    shop.inside[IDS[0]] = {KEYS[0]}
    shop.put(IDS[:1], KEYS[:1])
    recent = files.recent_of(shop.data, "shop")
    whole = recent.read_bytes()
    for damaged in (b"", whole[:-1], whole.replace(b"\n", b" ", 1), b"{}\n"):
        with pytest.raises(Broken):
            files.read_recent(damaged)
    recent.write_bytes(whole[:-1])
    shop.put(IDS, KEYS[1:2])  # nothing that the lost file said is needed: every file comes anew from the store
    shop.check()
