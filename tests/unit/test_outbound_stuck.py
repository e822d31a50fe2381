"""A server that stops in the middle of a transfer holds nobody up for longer than the patience for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from stores_outside import s3_server, sftp_server

from tracker.core.errors import TryLater
from tracker.outbound import Reach
from tracker.outbound.bucket import Bucket
from tracker.outbound.pauses import Patience
from tracker.outbound.sftp import Sftp

REACH = Reach.of(["127.0.0.1"])
SHORT = Patience(least=1.5, slowest=1e9)


@contextmanager
def stopping(port: int, after: int) -> Iterator[int]:
    """A port that leads to `port`, until it has passed `after` bytes of one connection: then it reads no more."""
    started, stop, mine = threading.Event(), threading.Event(), 0

    async def passed(source: asyncio.StreamReader, target: asyncio.StreamWriter, most: float) -> None:
        while most > 0 and (some := await source.read(4096)):
            most -= len(some)
            target.write(some)
            await target.drain()
        if most <= 0:
            await asyncio.Event().wait()
        target.close()

    async def serve() -> None:
        nonlocal mine

        async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(
                passed(reader, there_writer, after), passed(there_reader, writer, float("inf")), return_exceptions=True
            )

        server = await asyncio.start_server(met, "127.0.0.1", 0)
        mine = server.sockets[0].getsockname()[1]
        started.set()
        while not stop.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.02)
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(60)
    try:
        yield mine
    finally:
        stop.set()
        thread.join(60)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("after", [0, 300_000])
def test_a_bucket_that_stops(tmp_path: Path, after: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"some rows\n" * 1_000_000)
    with s3_server() as place, stopping(urlsplit(place.options["endpoint"]).port or 0, after) as port:
        there = Bucket("s3", place.options, place.secrets, REACH)
        stuck = Bucket("s3", place.options | {"endpoint": f"http://127.0.0.1:{port}"}, place.secrets, REACH, SHORT)
        with pytest.raises(TryLater) as told:
            stuck.put("x.csv", path)
        assert told.value.code == "not_sent"
        if not after:
            with pytest.raises(TryLater):
                stuck.size("x.csv")
            with pytest.raises(TryLater):
                stuck.delete("x.csv")
        assert there.size("x.csv") is None, "nothing is seen of what was cut off"
        there.put("x.csv", path)
        assert there.size("x.csv") == 10_000_000


@pytest.mark.timeout(60)
@pytest.mark.parametrize("after", [0, 300_000])
def test_an_sftp_server_that_stops(tmp_path: Path, after: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"some rows\n" * 1_000_000)
    with sftp_server(tmp_path / "sftp") as place, stopping(place.options["port"], after) as port:

        def server(port: int, patience: Patience) -> Sftp:
            options = {name: place.options[name] for name in ("host", "user", "host_key", "folder")}
            return Sftp(
                reach=REACH, port=port, password=place.secrets["password"], timeout=1.5, patience=patience, **options
            )

        there, stuck = server(place.options["port"], Patience()), server(port, SHORT)
        with pytest.raises(TryLater) as told:
            stuck.put("x.csv", path)
        assert told.value.code == "not_sent"
        assert there.size("x.csv") is None, "nothing is seen of what was cut off"
        there.put("x.csv", path)
        assert there.size("x.csv") == 10_000_000
        there.delete("x.csv")
