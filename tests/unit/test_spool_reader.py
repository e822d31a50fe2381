import os
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from tracker.spool.reader import Spool
from tracker.spool.record import Header, NewerFormat, contents, frame
from tracker.spool.writer import SpoolWriter

A, B, C = b'{"k":"e","site":"a"}', b'{"k":"r","site":"a"}', b'{"k":"s","site":"b"}'


def dead_segment(  # noqa: PLR0917
    root: Path, lineage: str, number: int, start: int, bodies: list[bytes], tail: bytes = b""
) -> Path:
    """What a writer that was killed leaves behind."""
    folder = root / lineage
    folder.mkdir(parents=True, exist_ok=True)
    header = msgspec.json.encode(Header(lineage=lineage, segment=number, start=start))
    path = folder / f"{number:012d}.open"
    path.write_bytes(frame(header) + b"".join(frame(body) for body in bodies) + tail)
    return path


def test_sealed_lists_the_oldest_first_over_all_lineages(tmp_path):
    for lineage in ("c1", "c0", "import-x"):
        writer = SpoolWriter(tmp_path, lineage)
        writer.append_now([A])
        writer.close()
    spool = Spool(tmp_path)
    for at, lineage in enumerate(("import-x", "c1", "c0")):
        [path] = (tmp_path / lineage).glob("*.seg")
        os.utime(path, (1000 + at, 1000 + at))
    assert [ref.lineage for ref in spool.sealed()] == ["import-x", "c1", "c0"]
    assert all(ref.name == f"{ref.lineage}/{ref.number:012d}" for ref in spool.sealed())


def test_forget_removes_the_segment(tmp_path):
    writer = SpoolWriter(tmp_path, "c0")
    writer.append_now([A])
    writer.close()
    spool = Spool(tmp_path)
    [ref] = spool.sealed()
    spool.forget(ref)
    spool.forget(ref)
    assert spool.sealed() == []


def test_adopt_seals_what_a_dead_writer_left_and_cuts_the_torn_tail(tmp_path):
    dead_segment(tmp_path, "c0", 17, 5, [A, B], tail=frame(C)[:-4])
    spool = Spool(tmp_path)
    assert spool.adopt() == ["c0"]
    [ref] = spool.sealed()
    found = spool.read(ref)
    assert (found.bodies, found.corrupt, found.header.start, found.count) == ([A, B], 0, 5, 2)
    writer = SpoolWriter(tmp_path, "c0")
    spool.forget(ref)
    writer.append_now([C])
    writer.close()
    [after] = spool.sealed()
    assert after.number > 17
    assert spool.read(after).header.start == 7


def test_adopt_leaves_the_living_alone(tmp_path):
    writer = SpoolWriter(tmp_path, "c0", segment_age=60)
    writer.append_now([A])
    assert Spool(tmp_path).adopt() == []
    assert Spool(tmp_path).sealed() == []
    writer.close()


def test_adopt_drops_the_folder_of_a_finished_import_once_it_is_loaded(tmp_path):
    writer = SpoolWriter(tmp_path, "import-7")
    writer.append_now([A])
    writer.close()
    spool = Spool(tmp_path)
    spool.adopt()
    [ref] = spool.sealed()
    spool.forget(ref)
    spool.adopt()
    assert not (tmp_path / "import-7").exists()


def test_a_dead_segment_without_records_is_dropped(tmp_path):
    dead_segment(tmp_path, "c0", 3, 9, [])
    (tmp_path / "c0" / "000000000004.open").write_bytes(b"0000")
    spool = Spool(tmp_path)
    spool.adopt()
    assert spool.sealed() == []
    writer = SpoolWriter(tmp_path, "c0")
    writer.append_now([A])
    writer.close()
    [ref] = spool.sealed()
    assert ref.number > 4
    assert spool.read(ref).header.start == 9


def test_waiting_counts_open_and_sealed_segments_the_ledger_does_not_know(tmp_path):
    spool = Spool(tmp_path)
    assert spool.waiting(lambda name: False) == Counter()
    writer = SpoolWriter(tmp_path, "c0", segment_age=60)
    writer.append_now([A, A, B])
    assert spool.waiting(lambda name: False) == {("a", "e"): 2, ("a", "r"): 1}
    writer.append_now([C])
    assert spool.waiting(lambda name: False) == {("a", "e"): 2, ("a", "r"): 1, ("b", "s"): 1}
    writer.close()
    assert spool.waiting(lambda name: False) == {("a", "e"): 2, ("a", "r"): 1, ("b", "s"): 1}
    [ref] = spool.sealed()
    assert spool.waiting(lambda name: name == ref.name) == Counter()
    spool.forget(ref)
    assert spool.waiting(lambda name: False) == Counter()


def test_waiting_starts_again_when_a_segment_was_cut_back(tmp_path):
    path = dead_segment(tmp_path, "c0", 1, 0, [A])
    whole = path.read_bytes()
    spool = Spool(tmp_path)
    path.write_bytes(whole + frame(B) + frame(B))
    assert sum(spool.waiting(lambda name: False).values()) == 3
    with path.open("r+b") as file:
        file.truncate(len(whole))
    assert spool.waiting(lambda name: False) == {("a", "e"): 1}


def test_waiting_does_not_count_a_line_that_is_still_being_written(tmp_path):
    path = dead_segment(tmp_path, "c0", 1, 0, [A], tail=frame(B)[:10])
    spool = Spool(tmp_path)
    assert spool.waiting(lambda name: False) == {("a", "e"): 1}
    with path.open("ab") as file:
        file.write(frame(B)[10:])
    assert spool.waiting(lambda name: False) == {("a", "e"): 1, ("a", "r"): 1}


def test_a_damaged_record_is_reported_and_the_rest_is_read(tmp_path):
    writer = SpoolWriter(tmp_path, "c0")
    writer.append_now([A, B, C])
    writer.close()
    spool = Spool(tmp_path)
    [ref] = spool.sealed()
    blob = bytearray(ref.path.read_bytes())
    blob[blob.index(B) + 5] ^= 4
    ref.path.write_bytes(bytes(blob))
    found = spool.read(ref)
    assert (found.bodies, found.corrupt, found.count) == ([A, C], 1, 3)


def test_a_damaged_header_is_known_from_the_trailer(tmp_path):
    for _ in range(2):
        writer = SpoolWriter(tmp_path, "c0")
        writer.append_now([A, B])
        writer.close()
    spool = Spool(tmp_path)
    ref = max(spool.sealed(), key=lambda found: found.number)
    blob = bytearray(ref.path.read_bytes())
    blob[12] ^= 1
    ref.path.write_bytes(bytes(blob))
    found = spool.read(ref)
    assert found.header.start == 2
    assert (found.bodies, found.corrupt) == ([A, B], 0)
    assert contents(bytes(blob)).damaged == 0


def test_a_segment_of_a_newer_format_is_refused_with_a_reason_and_kept(tmp_path):
    path = dead_segment(tmp_path, "c0", 17, 5, [])
    newer = frame(b'{"k":"h","v":2,"lineage":"c0","segment":17,"start":5}') + frame(A)
    path.write_bytes(newer)
    with pytest.raises(NewerFormat, match="has format 2, and this version reads up to 1"):
        SpoolWriter(tmp_path, "c0")
    spool = Spool(tmp_path)
    assert spool.adopt() == []
    assert path.read_bytes() == newer
    sealed = path.rename(path.with_suffix(".seg"))
    [ref] = spool.sealed()
    with pytest.raises(NewerFormat):
        spool.read(ref)
    assert sealed.read_bytes() == newer


def test_a_damaged_last_record_of_a_dead_segment_is_reported(tmp_path):
    blob = bytearray(frame(B))
    blob[12] ^= 1
    dead_segment(tmp_path, "c0", 17, 0, [A], tail=bytes(blob))
    spool = Spool(tmp_path)
    spool.adopt()
    [ref] = spool.sealed()
    found = spool.read(ref)
    assert (found.bodies, found.corrupt) == ([A], 1)


def test_a_last_record_whose_newline_alone_is_damaged_is_read(tmp_path):
    dead_segment(tmp_path, "c0", 17, 0, [A], tail=frame(B)[:-1] + b"\x0b")
    spool = Spool(tmp_path)
    spool.adopt()
    [ref] = spool.sealed()
    assert (spool.read(ref).bodies, spool.read(ref).corrupt) == ([A, B], 0)


def test_numbers_that_a_damaged_state_may_have_forgotten_are_not_used_again(tmp_path):
    for _ in range(3):
        writer = SpoolWriter(tmp_path, "c0")
        writer.append_now([A])
        writer.close()
    spool = Spool(tmp_path)
    used = [ref.number for ref in spool.sealed()]
    for ref in spool.sealed():
        spool.forget(ref)
    state = tmp_path / "c0" / "state.json"
    whole = state.read_bytes()
    for at in (30, 256 + 30):
        blob = bytearray(whole)
        blob[at] ^= 4
        state.write_bytes(blob)
        writer = SpoolWriter(tmp_path, "c0")
        writer.append_now([B])
        writer.close()
        [ref] = spool.sealed()
        assert ref.number > max(used)
        spool.forget(ref)
