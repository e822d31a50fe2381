"""Real ClickHouse servers for tests: start, freeze, kill, start again."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from clickhouse_driver import Client

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "clickhouse_test_server.py"
SHARD = "<shard><replica><host>127.0.0.1</host><port>{port}</port></replica></shard>"


_PORTS = range(20_000, 32_000)  # below those that the system gives to whoever connects: these may be taken any moment
_untried: list[int] = []


def free_port() -> int:
    """A port that nobody listens on now; not one that this process was given before, or not for long."""
    while True:
        if not _untried:
            _untried.extend(random.SystemRandom().sample(_PORTS, len(_PORTS)))
        port = _untried.pop()
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class ClickHouse:
    """One server process on its own folder; `url(database)` is what a user would configure.

    `wrap`: words to start it behind, which put it where it listens on `host`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        config: Path | None = None,
        host: str = "127.0.0.1",
        wrap: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.host = host
        self._wrap = list(wrap)
        self.port = port or free_port()
        self._http = free_port()
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()  # one thread may kill it while another looks whether it lives

    def url(self, database: str = "tracker") -> str:
        """Where it is. Alive: a test before this one may have been cut off in an insert."""
        self.revive()
        return f"clickhouse://{self.host}:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """Of its process, which must be running."""
        assert self._process
        return self._process.pid

    def start(self) -> ClickHouse:
        """Start and wait until a query is answered. The first start may install the library."""
        with self._lock:
            return self._start()

    def _start(self) -> ClickHouse:
        command = [
            *self._wrap,
            sys.executable,
            str(SCRIPT),
            str(self.folder),
            str(self.port),
            str(self._http),
            "--listen",
            self.host,
        ]
        command += ["--config", str(self._config)] if self._config else []
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        log = self.folder.with_suffix(".log").open("ab")
        self._process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=self.folder.parent, start_new_session=True
        )
        until = time.monotonic() + 300
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError(f"the test server ended: {self.folder.with_suffix('.log').read_text()[-2000:]}")
            if _answers(self.host, self.port):
                return self
            time.sleep(0.1)
        raise RuntimeError("the test server does not answer")

    def kill(self) -> None:
        """kill -9."""
        with self._lock:
            if self._process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
                self._process = None

    def revive(self) -> bool:
        """Start it again if it ended: this server, unlike a real one, aborts when a client is cut off in an insert."""
        with self._lock:
            if self._process is None or self._process.poll() is None:
                return False
            self._start()
            return True

    @contextlib.contextmanager
    def revived(self) -> Iterator[list[float]]:
        """Revive it for as long as this lasts; gives the times of its deaths."""
        deaths: list[float] = []
        stop = threading.Event()

        def watch() -> None:
            while not stop.wait(0.05):
                with contextlib.suppress(RuntimeError):  # on a busy machine its port may not be free yet: try again
                    if self.revive():
                        deaths.append(time.monotonic())

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield deaths
        finally:
            stop.set()
            thread.join()

    def freeze(self) -> None:
        """SIGSTOP, and wait until all have stopped, so that connections stay up and nobody answers."""
        assert self._process
        group = self._process.pid
        os.killpg(group, signal.SIGSTOP)
        until = time.monotonic() + 30
        while any(_state(task) not in "TtZ" for pid in _members(group) for task in Path(f"/proc/{pid}/task").iterdir()):
            assert time.monotonic() < until, "it goes on"
            time.sleep(0.01)

    def thaw(self) -> None:
        assert self._process
        os.killpg(self._process.pid, signal.SIGCONT)


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), 1):
            pass
        client = Client(host, port=port, connect_timeout=2, send_receive_timeout=5)
        try:
            return bool(client.execute("select 1") == [(1,)])
        finally:
            client.disconnect()
    except Exception:
        return False


def two_shards(folder: Path) -> tuple[ClickHouse, ClickHouse]:
    """Two servers that know each other as the cluster `pair`."""
    ports = free_port(), free_port()
    shards = "".join(SHARD.format(port=port) for port in ports)
    config = folder / "cluster.xml"
    folder.mkdir(parents=True, exist_ok=True)
    config.write_text(f"<clickhouse><remote_servers><pair>{shards}</pair></remote_servers></clickhouse>")
    first, second = (ClickHouse(folder / f"node{n}", port=port, config=config) for n, port in enumerate(ports))
    return first.start(), second.start()


def _members(group: int) -> list[int]:
    """The processes of a group."""
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in pids if _stat(Path(f"/proc/{pid}"))[2:3] == [str(group)]]


def _state(task: Path) -> str:
    return (_stat(task) or ["Z"])[0]


def _stat(task: Path) -> list[str]:
    """What the kernel says after the name: state, parent, group ...; nothing of one that is gone."""
    with contextlib.suppress(OSError):
        return (task / "stat").read_text().rpartition(")")[2].split()
    return []
