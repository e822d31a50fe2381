import asyncio
import errno
import os
import threading
from pathlib import Path

import pytest

from tracker.core.errors import Broken, TryLater
from tracker.spool import lineage as lineage_module
from tracker.spool.disk import Disk
from tracker.spool.reader import Spool
from tracker.spool.record import contents
from tracker.spool.writer import SpoolWriter

A, B, C = b'{"k":"e","site":"a"}', b'{"k":"r","site":"a"}', b'{"k":"s","site":"b"}'


class Switched(Disk):
    """A disk whose named call fails while the switch is on."""

    one_call = False  # so that writing and syncing can fail one without the other

    def __init__(self, failing: str, code: int = errno.ENOSPC) -> None:
        self.failing, self.code, self.on = failing, code, False

    def _maybe(self, call: str) -> None:
        if self.on and call == self.failing:
            raise OSError(self.code, "injected")

    def write(self, fd: int, data: bytes, offset: int) -> None:
        if self.on and self.failing == "write":
            super().write(fd, data[:-3], offset)
        self._maybe("write")
        super().write(fd, data, offset)

    def sync(self, fd: int) -> None:
        self._maybe("sync")
        super().sync(fd)

    def rename(self, old: Path, new: Path) -> None:
        self._maybe("rename")
        super().rename(old, new)


def everything(root: Path) -> list[bytes]:
    spool = Spool(root)
    return [body for ref in spool.sealed() for body in spool.read(ref).bodies]


async def test_append_is_on_disk_when_it_returns(tmp_path):
    writer = SpoolWriter(tmp_path, "c0", segment_age=60)
    await writer.append([A, B])
    [path] = (tmp_path / "c0").glob("*.open")
    assert contents(path.read_bytes()).bodies == [A, B]
    writer.close()


async def test_everybody_who_waited_is_in_one_group(tmp_path):
    syncs = []

    class Counting(Disk):
        def append(self, fd: int, data: bytes, offset: int) -> None:
            syncs.append(fd)
            super().append(fd, data, offset)

    writer = SpoolWriter(tmp_path, "c0", segment_age=60, disk=Counting())
    await writer.append([A])
    before = len(syncs)
    await asyncio.gather(*(writer.append([B]) for _ in range(200)))
    assert len(syncs) - before < 50
    writer.close()
    assert everything(tmp_path).count(B) == 200


def test_segments_are_sealed_by_size_and_numbered_upwards(tmp_path):
    writer = SpoolWriter(tmp_path, "c0", segment_bytes=200, segment_age=60)
    for _ in range(20):
        writer.append_now([A])
    writer.close()
    refs = Spool(tmp_path).sealed()
    assert len(refs) > 3
    assert [ref.number for ref in refs] == list(range(refs[0].number, refs[0].number + len(refs)))


def test_segments_are_sealed_by_age(tmp_path):
    writer = SpoolWriter(tmp_path, "c0", segment_age=0.05)
    writer.append_now([A])
    sealed = threading.Event()
    for _ in range(200):
        if Spool(tmp_path).sealed():
            sealed.set()
            break
        sealed.wait(0.05)
    assert sealed.is_set()
    writer.close()


def test_the_chain_goes_on_after_a_restart_although_the_loader_took_everything(tmp_path):
    writer = SpoolWriter(tmp_path, "c0")
    writer.append_now([A, B, C])
    writer.close()
    spool = Spool(tmp_path)
    [first] = spool.sealed()
    spool.forget(first)
    writer = SpoolWriter(tmp_path, "c0")
    writer.append_now([A])
    writer.close()
    [second] = spool.sealed()
    assert second.number > first.number
    assert spool.read(second).header.start == 3


def test_a_number_is_not_used_again_when_the_folder_was_emptied(tmp_path, monkeypatch):
    writer = SpoolWriter(tmp_path, "c0")
    writer.append_now([A])
    writer.close()
    [before] = Spool(tmp_path).sealed()
    for path in (tmp_path / "c0").iterdir():
        path.unlink()
    later = lineage_module.time.time_ns() + 1_000_000_000
    monkeypatch.setattr(lineage_module.time, "time_ns", lambda: later)
    writer = SpoolWriter(tmp_path, "c0")
    writer.append_now([A])
    writer.close()
    assert Spool(tmp_path).sealed()[0].number > before.number


def test_one_writer_a_lineage(tmp_path, monkeypatch):
    monkeypatch.setattr("tracker.spool.writer._PATIENCE", 0.1)
    writer = SpoolWriter(tmp_path, "c0")
    with pytest.raises(Broken, match="c0"):
        SpoolWriter(tmp_path, "c0")
    SpoolWriter(tmp_path, "c1").close()
    writer.close()
    SpoolWriter(tmp_path, "c0").close()


def test_over_the_bound_nothing_is_stored_and_room_is_noticed(tmp_path):
    writer = SpoolWriter(tmp_path, "c0", segment_bytes=500, max_bytes=3_000)
    stored = 0
    with pytest.raises(TryLater):
        for _ in range(10_000):
            writer.append_now([A] * 5)
            stored += 5
    assert stored > 0
    spool = Spool(tmp_path)
    for ref in spool.sealed():
        stored -= spool.read(ref).count
        spool.forget(ref)
    threading.Event().wait(0.15)
    writer.append_now([B])
    writer.close()
    assert everything(tmp_path) == [A] * stored + [B]


def test_too_much_at_once_is_refused(tmp_path):
    writer = SpoolWriter(tmp_path, "c0", max_pending=1_000)
    with pytest.raises(TryLater):
        writer.append_now([A] * 1_000)
    writer.append_now([A])
    writer.close()
    assert everything(tmp_path) == [A]


@pytest.mark.parametrize("failing", ["write", "sync"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EFBIG])
async def test_a_failed_group_is_refused_whole_and_the_next_one_works(tmp_path, failing, code):
    disk = Switched(failing, code)
    writer = SpoolWriter(tmp_path, "c0", segment_age=60, disk=disk)
    await writer.append([A])
    disk.on = True
    results = await asyncio.gather(*(writer.append([B, B, B]) for _ in range(5)), return_exceptions=True)
    assert {type(result) for result in results} == {TryLater}
    disk.on = False
    await writer.append([C])
    writer.close()
    assert everything(tmp_path) == [A, C]


def test_after_a_failed_sync_the_descriptor_is_not_written_to_again(tmp_path):
    disk = Switched("sync", errno.EIO)
    writer = SpoolWriter(tmp_path, "c0", segment_age=60, disk=disk)
    writer.append_now([A])
    disk.on = True
    with pytest.raises(TryLater):
        writer.append_now([B])
    disk.on = False
    writer.append_now([C])
    writer.close()
    spool = Spool(tmp_path)
    assert [spool.read(ref).bodies for ref in spool.sealed()] == [[A], [C]]


def test_one_call_that_fails_half_way_leaves_nothing_behind(tmp_path, monkeypatch):
    writer = SpoolWriter(tmp_path, "c0", segment_age=60)
    writer.append_now([A])
    with monkeypatch.context() as broken:

        def half(fd: int, views: list[memoryview], offset: int, flags: int) -> int:
            os.pwrite(fd, views[0][:10], offset)
            raise OSError(errno.EIO, "injected")

        broken.setattr(os, "pwritev", half)
        with pytest.raises(TryLater):
            writer.append_now([B])
    writer.append_now([C])
    writer.close()
    spool = Spool(tmp_path)
    assert [spool.read(ref).bodies for ref in spool.sealed()] == [[A], [C]]


def test_one_call_that_writes_little_by_little_writes_all(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "pwritev", lambda fd, views, offset, flags: os.pwrite(fd, views[0][:7], offset))
    writer = SpoolWriter(tmp_path, "c0")
    writer.append_now([A, B])
    writer.close()
    assert everything(tmp_path) == [A, B]


@pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.EINVAL])
def test_where_one_call_is_not_to_be_had_two_are_made(tmp_path, monkeypatch, code):
    class Counting(Disk):
        syncs = 0

        def sync(self, fd: int) -> None:
            self.syncs += 1
            super().sync(fd)

    def refuse(fd: int, views: list[memoryview], offset: int, flags: int) -> int:
        raise OSError(code, "injected")

    monkeypatch.setattr(os, "pwritev", refuse)
    disk = Counting()
    disk.one_call = True
    writer = SpoolWriter(tmp_path, "c0", segment_age=60, disk=disk)
    writer.append_now([A])  # creates the segment, which syncs too
    before = disk.syncs
    writer.append_now([B])
    writer.append_now([C])
    assert disk.syncs == before + 2
    writer.close()
    assert everything(tmp_path) == [A, B, C]


def test_a_sealing_that_failed_is_made_up_for(tmp_path):
    disk = Switched("rename", errno.EIO)
    writer = SpoolWriter(tmp_path, "c0", segment_bytes=1, disk=disk)
    disk.on = True
    writer.append_now([A])
    writer.append_now([B])
    disk.on = False
    writer.append_now([C])
    writer.close()
    assert everything(tmp_path) == [A, B, C]


def test_arrivals_grow_even_over_a_restart_with_the_clock_set_back(tmp_path, monkeypatch):
    writer = SpoolWriter(tmp_path, "c3")
    first = [writer.next_arrival() for _ in range(1_000)]
    assert first == sorted(set(first))
    assert {arrival % 16 for arrival in first} == {3}
    writer.append_now([b'{"k":"e","site":"a","arrival":%d}' % first[-1]])
    writer.close()
    monkeypatch.setattr("tracker.spool.writer.time.time_ns", lambda: 1_000_000_000)
    again = SpoolWriter(tmp_path, "c3")
    assert again.next_arrival() > first[-1]
    again.close()


def test_closed_means_try_later(tmp_path):
    writer = SpoolWriter(tmp_path, "c0")
    writer.close()
    writer.close()
    with pytest.raises(TryLater):
        writer.append_now([A])


def test_a_body_with_a_newline_is_a_mistake_of_ours(tmp_path):
    writer = SpoolWriter(tmp_path, "c0")
    with pytest.raises(ValueError, match="newline"):
        writer.append_now([b"{\n}"])
    writer.close()


def test_a_long_backlog_is_not_read_before_the_first_record_is_taken(tmp_path):
    """Accept before replay: the first acknowledgement does not wait for what the loader has not loaded yet."""
    writer = SpoolWriter(tmp_path, "c0")
    writer.append_now([A])
    writer.close()
    [sealed] = (tmp_path / "c0").glob("*.seg")
    first = int(sealed.stem)
    for number in range(first + 1, first + 1000):
        os.mkfifo(sealed.with_name(f"{number:012d}.seg"))
    writer = SpoolWriter(tmp_path, "c0")  # opening one of these would wait for ever
    writer.append_now([B])
    assert len(list((tmp_path / "c0").glob("*.open"))) == 1
    writer.close()
    assert (tmp_path / "c0" / f"{first + 1000:012d}.seg").exists()
