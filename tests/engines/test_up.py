"""`tracker up` as a person runs it: one command, all processes, killed and stopped in every way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest
from clickhouse import ClickHouse, free_port

PATIENCE = 60.0  # seconds; the machine may be busy


class Up:
    """One `tracker up` on a data folder of its own, and what a client of it does."""

    command = "up"

    def __init__(self, data: Path, *options: str, **env: str) -> None:
        self.data = data
        self.port, self.api_port, self.dashboard_port = free_port(), free_port(), free_port()
        self.options = options
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("TRACKER_")} | env
        self.process: subprocess.Popen[str] | None = None
        self.log = data.parent / "up.log"
        self.sent = 0
        self.write_key = self.add_site()

    def add_site(self) -> str:
        """Add the site; its write key."""
        made = self.cli("site", "add", "shop", "--domain", "shop.example", "--consent", "opt-out")
        return json.loads(made)["write_key"]

    def cli(self, *words: str, code: int = 0) -> str:
        """One command on the same data folder; its standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "tracker", *words, "--data", str(self.data)],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def start(self) -> Up:
        ports = [
            "--port",
            str(self.port),
            "--api-port",
            str(self.api_port),
            "--dashboard-port",
            str(self.dashboard_port),
        ]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tracker", self.command, "--data", str(self.data), *ports, *self.options],
                env=self.env,
                stdout=log,
                stderr=log,
                text=True,
            )
        return self

    def request(self, port: int, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes] | None:
        """Status and body; None when nobody answers."""
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def send(self) -> bool:
        """One event; True when it was acknowledged."""
        event = {"type": "track", "name": "tick", "visitor": f"v{self.sent}", "props": {"n": self.sent}}
        answer = self.request(self.port, "POST", "/e", {"site": self.write_key, "events": [event]})
        accepted = answer is not None and answer[0] == 204
        self.sent += accepted
        return accepted

    def ledger(self) -> dict[str, Any] | None:
        """The API's ledger of the site; None while it does not answer."""
        token = self.data / "admin-token"
        if not token.exists():
            return None
        answer = self.request(
            self.api_port, "GET", "/api/v1/ledger?site=shop", Authorization=f"Bearer {token.read_text().strip()}"
        )
        return json.loads(answer[1]) if answer is not None and answer[0] == 200 else None

    def stored(self) -> int:
        return (self.ledger() or {"stored": -1})["stored"]

    def children(self) -> dict[str, int]:
        """Process ids by role."""
        assert self.process is not None
        found = {}
        for entry in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            words = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
            if len(words) < 4:  # a zombie, or between fork and exec
                continue
            found["dashboard" if b"streamlit" in words else words[3].decode()] = int(entry)
        return found

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)


def until(check: Any, what: str) -> float:
    """Wait for a condition; seconds waited."""
    began = time.monotonic()
    while not check():
        assert time.monotonic() - began < PATIENCE, f"never happened: {what}"
        time.sleep(0.02)
    return time.monotonic() - began


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture(name="up")
def _up(tmp_path: Path) -> Iterator[Up]:
    up = Up(tmp_path / "data", "--no-dashboard")
    yield up
    if up.process is not None:
        up.process.kill()
        up.process.wait()


def test_empty_data_to_the_first_report(tmp_path: Path, record_property: Any) -> None:
    up = Up(tmp_path / "data").start()
    try:
        accepted = until(up.send, "an event is accepted")
        visible = until(lambda: up.stored() == 1, "the event is in the API")
        until(lambda: "dashboard " in up.log.read_text(), "the dashboard is ready")
        memory = {role: pss(pid) for role, pid in up.children().items()} | {"supervisor": pss(up.process.pid)}
        print(
            f"\ntracker up, empty data: first event accepted after {accepted:.2f} s, in the API {visible:.2f} s later"
        )
        print(f"idle memory (PSS, MB): {memory}, together {sum(memory.values())}")
        lines = [line for line in up.log.read_text().splitlines() if not line.startswith("{")]
        assert lines[0] == f"collector  http://127.0.0.1:{up.port}"
        assert lines[1].startswith(f"API        http://127.0.0.1:{up.api_port} ")
        assert lines[2] == f"dashboard  http://127.0.0.1:{up.dashboard_port}"
        assert (up.data / "admin-token").stat().st_mode & 0o777 == 0o600
        answer = up.request(up.dashboard_port, "GET", "/")
        assert answer is not None
        assert answer[0] == 200
        assert set(memory) == {"supervisor", "collector", "engine", "dashboard"}
    finally:
        up.stop()


def pss(pid: int) -> int:
    """Proportional set size in MB: shared pages are counted once over all processes."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return round(int(next(line for line in text.splitlines() if line.startswith("Pss:")).split()[1]) / 1000)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_without_orphans_and_loses_nothing(up: Up, number: signal.Signals) -> None:
    up.start()
    until(up.send, "an event is accepted")
    until(lambda: up.stored() >= 1, "the engine works")
    children = up.children()
    assert set(children) == {"collector", "engine"}
    for _ in range(20):
        assert up.send()
    up.process.send_signal(number)
    assert up.process.wait(PATIENCE) == 0
    assert not [pid for pid in children.values() if running(pid)]
    up.start()
    until(lambda: up.stored() == up.sent, "everything acknowledged is stored")
    assert up.ledger() == {
        "received": up.sent,
        "stored": up.sent,
        "duplicates": 0,
        "rejected": {},
        "suppressed": 0,
        "waiting": 0,
        "unexplained": 0,
    }


def test_children_that_are_killed_come_back_and_nothing_is_lost(up: Up) -> None:
    up.start()
    until(up.send, "an event is accepted")
    until(lambda: up.stored() >= 1, "the engine works")
    for role in ("collector", "engine", "collector", "engine"):
        until(lambda: {"collector", "engine"} <= set(up.children()), "both run")
        pid = up.children()[role]
        for _ in range(10):
            up.send()
        os.kill(pid, signal.SIGKILL)
        until(lambda: not running(pid), "it is dead")  # noqa: B023 - used within the loop
        for _ in range(10):
            up.send()
        until(up.send, "events are accepted again")
    until(lambda: up.stored() == up.sent, "everything acknowledged is stored")
    ledger = up.ledger()
    assert ledger is not None
    assert (ledger["duplicates"], ledger["waiting"], ledger["unexplained"]) == (0, 0, 0)


def test_a_supervisor_that_is_killed_takes_its_children_along(up: Up) -> None:
    up.start()
    until(up.send, "an event is accepted")
    until(lambda: up.ledger() is not None, "the engine works")
    children = up.children()
    up.process.kill()
    up.process.wait()
    until(lambda: not any(running(pid) for pid in children.values()), "no orphans")
    up.start()
    until(lambda: up.stored() == up.sent, "the next one goes on")


def test_a_frozen_engine_does_not_keep_it_from_stopping(up: Up) -> None:
    up.start()
    until(up.send, "an event is accepted")
    until(lambda: up.stored() >= 1, "the engine works")
    children = up.children()
    os.kill(children["engine"], signal.SIGSTOP)
    up.process.terminate()
    assert up.process.wait(PATIENCE) == 0
    assert not [pid for pid in children.values() if running(pid)]
    assert "did not stop in time" in up.log.read_text()


def test_a_second_one_is_refused_on_the_same_folder_and_on_the_same_ports(up: Up, tmp_path: Path) -> None:
    up.start()
    until(up.send, "an event is accepted")
    error = up.cli("up", "--port", str(free_port()), "--api-port", str(free_port()), "--no-dashboard", code=1)
    assert error.count("\n") == 1
    assert "already running" in error
    assert str(up.process.pid) in error
    other = Up(tmp_path / "other")
    error = other.cli("up", "--port", str(up.port), "--no-dashboard", code=1)
    assert error.count("\n") == 1
    assert f"127.0.0.1:{up.port}" in error
    assert "--port" in error


def test_commands_use_the_running_api_and_work_without_one(up: Up, tmp_path: Path) -> None:
    spec = tmp_path / "funnel.json"
    now = time.time()
    day = [time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(now + shift * 86_400)) for shift in (-1, 2)]
    funnel = {
        "site": "shop",
        "from": day[0],
        "to": day[1],
        "window": "1d",
        "steps": [{"event": "tick"}, {"event": "tock"}],
    }
    spec.write_text(json.dumps(funnel))
    up.start()
    until(up.send, "an event is accepted")
    until(lambda: up.stored() == up.sent, "it is stored")
    running_answer = json.loads(up.cli("funnel", str(spec)))
    status = json.loads(up.cli("status", "--json"))
    assert status["ledger"]["stored"] == up.sent
    assert set(status["running"]) == {"up", "loader", "api"}
    assert "open" in up.cli("migrate", code=1)  # one process may open the embedded store, and it says so
    kept = tmp_path / "v0.json"
    export = ("person", "export", str(kept), "--site", "shop", "--visitor", "v0")
    assert json.loads(up.cli(*export)) == {"bytes": kept.stat().st_size, "written_to": str(kept)}
    assert kept.stat().st_mode & 0o777 == 0o600
    told = json.loads(kept.read_text())
    assert ([one["event"] for one in told["events"]], told["history"]) == (["tick"], [])
    assert "is there already" in up.cli(*export, code=2)
    schedule = _scheduled(up, tmp_path)
    refused = up.cli("reports", "run", schedule, code=1)  # made by the engine, which was given no such host
    assert "Hook: " in refused and "outbound_hosts" in refused
    up.stop()
    assert "start `tracker up`" in up.cli("reports", "run", schedule, code=1)
    alone_answer = json.loads(up.cli("funnel", str(spec)))
    assert running_answer == alone_answer
    as_csv = up.cli("report", "funnel", str(spec), "--csv").splitlines()
    assert [row.split(",")[5] for row in as_csv] == ["count", str(up.sent), "0"]
    assert json.loads(up.cli("report", "funnel", str(spec))) == alone_answer
    assert [step["count"] for step in alone_answer["steps"]] == [up.sent, 0]
    status = json.loads(up.cli("status", "--json"))
    assert status["running"] == {}
    assert status["ledger"]["stored"] == up.sent
    assert json.loads(up.cli("migrate")) == {"applied": []}


def _scheduled(up: Up, folder: Path) -> str:
    """The id of a report that goes to a webhook on this machine."""
    spec = folder / "spec.json"
    hook = {"site": "shop", "name": "Hook", "kind": "webhook", "options": {"url": "https://127.0.0.1:9/"}}
    spec.write_text(json.dumps(hook | {"secrets": {"secret": "sixteen characters"}}))
    destination = json.loads(up.cli("destination", "add", str(spec)))["id"]
    report = {"site": "shop", "name": "Daily", "report": "overview", "period": "yesterday"}
    report |= {"rhythm": {"every": "day", "hour": 8}, "to": [{"destination": destination}]}
    spec.write_text(json.dumps(report))
    return str(json.loads(up.cli("reports", "add", str(spec)))["id"])


@pytest.mark.server
def test_up_on_a_server_waits_for_it_and_goes_on_when_it_comes_back(tmp_path: Path) -> None:
    server = ClickHouse(tmp_path / "server")
    up = Up(tmp_path / "data", "--no-dashboard", TRACKER_CLICKHOUSE_URL=server.url("journeys"))
    try:
        up.start()
        until(up.send, "an event is accepted though there is no ClickHouse yet")
        server.start()
        until(lambda: up.stored() == up.sent, "it is stored once there is one")
        assert json.loads(up.cli("migrate")) == {"applied": []}  # a server may be used by many at once
        server.kill()
        for _ in range(5):
            assert up.send()
        server.start()
        until(lambda: up.stored() == up.sent, "what came meanwhile is stored")
        assert (up.data / "clickhouse").exists() is False
        ledger = up.ledger()
        assert ledger is not None
        assert (ledger["duplicates"], ledger["unexplained"]) == (0, 0)
    finally:
        up.stop()
        server.kill()


@pytest.mark.server
def test_each_role_alone_with_a_server(tmp_path: Path) -> None:
    server = ClickHouse(tmp_path / "server").start()
    up = Up(tmp_path / "data", TRACKER_CLICKHOUSE_URL=server.url("journeys"))
    started: list[subprocess.Popen[bytes]] = []

    def role(*words: str, **env: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tracker", *words, "--data", str(up.data)]
        with up.log.open("a") as log:
            started.append(subprocess.Popen(command, env=up.env | env, stdout=log, stderr=log))
        return started[-1]

    try:
        role("collector", "--port", str(up.port), "--workers", "2")
        role("loader")
        role("api", "--api-port", str(up.api_port))
        api = f"http://127.0.0.1:{up.api_port}"
        role("dashboard", "--dashboard-port", str(up.dashboard_port), TRACKER_API_URL=api)
        until(up.send, "an event is accepted")
        until(lambda: up.stored() == up.sent, "it is stored")
        until(lambda: up.request(up.dashboard_port, "GET", "/_stcore/health"), "the dashboard answers")
        assert role("loader").wait(PATIENCE) == 1
        assert "a loader is already running" in up.log.read_text()
    finally:
        for process in started:
            if process.poll() is None:
                process.terminate()
        codes = [process.wait(PATIENCE) for process in started]
        server.kill()
    assert codes == [0, 0, 0, 0, 1]
