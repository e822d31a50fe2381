"""Rows are cut into files exactly where the limits of a network say so, however many come at a time."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker.audiences.parcel import Parcel
from tracker.networks import NETWORKS, Terms
from tracker.networks.network import Network, Row

TERMS = Terms(days=30, now_ms=0, audience="aud_1", site="shop")
lengths = st.lists(st.integers(1, 30), max_size=25)


def one_by_one(network: Network, rows: list[Row]) -> list[bytes]:
    """The files as they would be if each row was looked at by itself."""
    files, count = [network.head(TERMS)], 0
    for row in rows:
        [line] = network.write([row], TERMS)
        full = network.file_rows and count >= network.file_rows
        if count and (full or (network.file_bytes and len(files[-1]) + len(line) > network.file_bytes)):
            files.append(network.head(TERMS))
            count = 0
        files[-1] += line
        count += 1
    return files


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=lengths, pieces=st.integers(1, 30), most_rows=st.integers(0, 6), most_bytes=st.integers(0, 90))
def test_files_end_where_they_are_full(
    sizes: list[int], pieces: int, most_rows: int, most_bytes: int, tmp_path: Path
) -> None:
    network = replace(NETWORKS["criteo"], file_rows=most_rows, file_bytes=most_bytes and most_bytes + 20)
    rows: list[Row] = [("x" * size,) for size in sizes]
    with Parcel(tmp_path, "export", network, "file", TERMS) as parcel:
        for start in range(0, len(rows), pieces):
            parcel.write("add", [(row, True) for row in rows[start : start + pieces]])
        files = parcel.finish(None)
    written = [(tmp_path / one.name).read_bytes() for one in files]
    assert written == one_by_one(network, rows)
    assert [one.sha256 for one in files] == [hashlib.sha256(blob).hexdigest() for blob in written]
    assert [one.bytes for one in files] == [len(blob) for blob in written]
    assert sum(one.rows for one in files) == len(rows)
    for one in files:
        (tmp_path / one.name).unlink()
