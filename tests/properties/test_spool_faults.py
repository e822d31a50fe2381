"""The writer against a disk that fails where Hypothesis wants it to."""

import contextlib
import errno
import tempfile
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker.core.errors import TryLater
from tracker.spool.disk import Disk
from tracker.spool.reader import Spool
from tracker.spool.writer import SpoolWriter


class FaultyDisk(Disk):
    """Fails the calls whose numbers are in `faults`, half-way through where a real disk could stop half-way."""

    one_call = False  # so that writing and syncing can fail one without the other

    def __init__(self, faults: dict[int, int]) -> None:
        self.faults = faults
        self.calls = 0

    def _step(self) -> None:
        self.calls += 1
        code = self.faults.get(self.calls)
        if code is not None:
            raise OSError(code, "injected")

    def create(self, path: Path) -> int:
        self._step()
        return super().create(path)

    def reopen(self, path: Path) -> int:
        self._step()
        return super().reopen(path)

    def write(self, fd: int, data: bytes, offset: int) -> None:
        try:
            self._step()
        except OSError:
            super().write(fd, data[: len(data) // 2], offset)
            raise
        super().write(fd, data, offset)

    def sync(self, fd: int) -> None:
        self._step()
        super().sync(fd)

    def cut(self, fd: int, size: int) -> None:
        self._step()
        super().cut(fd, size)

    def rename(self, old: Path, new: Path) -> None:
        self._step()
        super().rename(old, new)

    def sync_folder(self, folder: Path) -> None:
        self._step()
        super().sync_folder(folder)


def body(number: int) -> bytes:
    return msgspec.json.encode({"k": "e", "site": "s", "n": number, "pad": "x" * (number % 90)})


groups = st.lists(st.integers(1, 4), min_size=1, max_size=14)
# Up to four failures: a disk that refuses a sync, then the cut, and then every try to put it right until the
# process ends can leave a refused group behind. That takes five.
faults = st.dictionaries(st.integers(1, 160), st.sampled_from([errno.ENOSPC, errno.EIO, errno.EFBIG]), max_size=4)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(groups, faults, st.integers(0, 14))
def test_acknowledged_is_stored_once_refused_is_not_stored_and_the_chain_has_no_gap(sizes, failing, restart_at):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        disk = FaultyDisk(failing)
        writer = SpoolWriter(root, "c0", segment_bytes=400, disk=disk)
        acknowledged: list[bytes] = []
        number = 0
        for at, size in enumerate(sizes):
            if at == restart_at:
                writer.close()
                writer = SpoolWriter(root, "c0", segment_bytes=400, disk=disk)
            bodies = [body(number + index) for index in range(size)]
            number += size
            try:
                writer.append_now(bodies)
            except TryLater:
                continue
            acknowledged += bodies
        writer.close()
        disk.faults = {}
        # Whatever the last failures left behind, the next start puts right.
        SpoolWriter(root, "c0", disk=disk).close()
        spool = Spool(root)
        segments = sorted((spool.read(ref) for ref in spool.sealed()), key=lambda segment: segment.header.segment)
        stored = [stored_body for segment in segments for stored_body in segment.bodies]
        assert stored == acknowledged
        expected = 0
        for segment in segments:
            assert segment.header.start == expected
            assert segment.corrupt == 0
            expected += segment.count
        assert sum(spool.waiting(lambda name: False).values()) == len(acknowledged)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=8), st.integers(1, 40), st.sampled_from([errno.ENOSPC, errno.EIO])
)
def test_it_recovers_by_itself(sizes, first_fault, code):
    with tempfile.TemporaryDirectory() as folder:
        disk = FaultyDisk(dict.fromkeys(range(first_fault, first_fault + 6), code))
        writer = SpoolWriter(Path(folder), "c0", segment_bytes=200, disk=disk)
        for number, size in enumerate(sizes):
            with contextlib.suppress(TryLater):
                writer.append_now([body(number)] * size)
        disk.faults = {}
        writer.append_now([body(99)])
        writer.close()
        spool = Spool(Path(folder))
        assert body(99) in spool.read(spool.sealed()[-1]).bodies
