"""The real processes of a tracker, one by one, so that a test can kill, stop or starve any of them.

`tracker up` would start them again after growing pauses; here the test decides when a process comes back.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from clickhouse import free_port

ASK = """
import json, sys
from pathlib import Path
from tracker.store.embedded import Embedded
from tracker.store.engine import Query
engine = Embedded(Path(sys.argv[1]))
print(json.dumps([engine.ask(Query(text=text)).rows for text in json.loads(sys.stdin.read())]))
engine.close()
"""


class Role:
    """One process over all its lives. `argv` may be put behind another program (strace, unshare) with `wrap`."""

    def __init__(self, name: str, argv: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.argv = list(argv)
        self.env = dict(env)
        self.log = log
        self.kills = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} was never started"
        return self.process.pid

    def start(self, *, wrap: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Role:
        assert not self.alive, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*wrap, *self.argv],
                env=os.environ | self.env | dict(env or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def kill(self) -> None:
        """kill -9 of the whole process group."""
        if self.alive:
            self.kills += 1
            os.killpg(self.pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def stop(self, grace: float = 20.0) -> int:
        """SIGTERM to the group; the exit code. A process that does not end in time fails the test."""
        if self.process is None:
            return 0
        if self.alive:
            os.killpg(self.pid, signal.SIGTERM)
        return self.process.wait(timeout=grace)

    def says(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Tracker:
    """A data folder, ports of its own and every role; nothing is started by making it."""

    def __init__(self, folder: Path, *, clickhouse_url: str = "", env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.api_port = free_port()
        self.clickhouse_url = clickhouse_url
        self._token = secrets.token_urlsafe(24)
        self.env = {
            "TRACKER_DATA": str(self.data),
            "TRACKER_PORT": str(self.port),
            "TRACKER_API_PORT": str(self.api_port),
            "TRACKER_ADMIN_TOKEN": self._token,
            "TRACKER_CLICKHOUSE_URL": clickhouse_url,
            "TRACKER_LOG_FORMAT": "json",
            "TRACKER_CANARY_SECONDS": "0",  # what tests count is only what they sent
            "TRACKER_ENGINE_NICE": "0",  # the machine is full of other work, which would starve it
            "TRACKER_COLLECTOR_REALTIME": "0",  # other tests run beside, and root would have the right
            "PYTHONUNBUFFERED": "1",
            **(env or {}),
        }
        self.roles: list[Role] = []
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def spool(self) -> Path:
        return self.data / "spool"

    def role(self, command: str, *arguments: str, name: str = "") -> Role:
        """One of our commands as a process that is not started yet."""
        name = name or command
        argv = [sys.executable, "-m", "tracker", command, *arguments]
        made = Role(name, argv, self.env, self.folder / f"{name}.log")
        self.roles.append(made)
        return made

    def collector(self, number: int = 0) -> Role:
        return self.role("collector", "--worker", str(number), name=f"collector-{number}")

    def run(self, *arguments: str) -> Any:
        """Run a command to its end; its JSON answer."""
        done = subprocess.run(
            [sys.executable, "-m", "tracker", *arguments],
            env=os.environ | self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def site(self, name: str, *, consent: str = "opt-out") -> str:
        """Add a site; its write key."""
        return str(self.run("site", "add", name, "--consent", consent)["write_key"])

    def api(self, method: str, path: str, body: object = None, *, timeout: float = 60.0) -> Any:
        """Ask the API as the admin; the JSON answer of a 2xx."""
        status, answer = request(
            self.api_port,
            method,
            path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
            timeout=timeout,
        )
        assert 200 <= status < 300, (status, answer[:500])
        return json.loads(answer)

    def ledger(self, site: str) -> dict[str, Any]:
        return dict(self.api("GET", f"/api/v1/ledger?site={site}"))

    def drained(self, site: str, *, seconds: float = 60.0) -> dict[str, Any]:
        """The ledger once nothing waits; fails when it does not come to that."""
        last: dict[str, Any] = {}

        def done() -> bool:
            last.update(self.ledger(site))
            return last["waiting"] == 0

        until(done, seconds, lambda: f"still waiting: {last}\n{self.tails()}")
        return last

    def ready(self, *, collector: bool = True, api: bool = True, seconds: float = 60.0) -> None:
        """Wait until those that were started work."""
        for port, wanted in ((self.port, collector), (self.api_port, api)):
            if wanted:
                until(lambda port=port: answers(port, "/readyz"), seconds, self.tails)

    def sql(self, *texts: str) -> list[list[list[Any]]]:
        """Rows of each statement, straight from the store. The embedded one needs the engine stopped."""
        if self.clickhouse_url:
            from tracker.store.engine import Query
            from tracker.store.server import Server

            engine = Server(self.clickhouse_url)
            try:
                return [[list(row) for row in engine.ask(Query(text=text)).rows] for text in texts]
            finally:
                engine.close()
        done = subprocess.run(
            [sys.executable, "-c", ASK, str(self.data / "clickhouse")],
            input=json.dumps(texts),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        rows: list[list[list[Any]]] = json.loads(done.stdout)
        return rows

    def tails(self) -> str:
        """The last lines of every log, for a failing test."""
        return "\n".join(f"--- {role.name}\n{role.says()[-1500:]}" for role in self.roles)

    def close(self) -> None:
        for role in self.roles:
            role.kill()


@contextmanager
def tracker(folder: Path, *, clickhouse_url: str = "", env: Mapping[str, str] | None = None) -> Iterator[Tracker]:
    """A Tracker whose processes end with the test, however it ends."""
    made = Tracker(folder, clickhouse_url=clickhouse_url, env=env)
    try:
        yield made
    finally:
        made.close()


def request(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    timeout: float = 10.0,
) -> tuple[int, bytes]:
    """One request on a connection of its own: status and the whole body. Raises OSError, HTTPException."""
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def answers(port: int, path: str) -> bool:
    """True when it says 200."""
    try:
        return request(port, "GET", path, timeout=2)[0] == 200
    except (OSError, HTTPException):
        return False


def until(done: Callable[[], bool], seconds: float, say: Callable[[], str] = lambda: "") -> None:
    """Wait for something that must become true; fail with `say()` when it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if done():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {say()}")
