"""The watch, with small real processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracker.core.errors import Conflict
from tracker.supervisor.child import CALM, FIRST_PAUSE, LONGEST_PAUSE, Child, Role
from tracker.supervisor.claim import Claim, holder
from tracker.supervisor.ports import answers, must_be_free

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from tracker.supervisor.child import Role
from tracker.supervisor.run import Supervisor
from tracker.telemetry import configure

configure(form="json")
folder = Path(sys.argv[1])
CHILD = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\\\n'); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + CHILD

def role(name, code=CHILD, **more):
    return Role(name=name, argv=[sys.executable, "-c", code, str(folder / name)], **more)

KINDS = {
    "plain": lambda: [role("a", says="a is ready"), role("b", after=("a",), says="b is ready")],
    "stubborn": lambda: [role("a", STUBBORN), role("b")],
    "usage": lambda: [role("a"), role("b", "import sys, time; time.sleep(0.7); sys.exit(2)")],
    "job": lambda: [
        role("job", "pass", job=True, says="job is done"),
        role("bad", "import sys; sys.exit(3)", job=True),
        role("a"),
    ],
}
sys.exit(Supervisor(KINDS[sys.argv[2]](), say=lambda line: print(line, flush=True), stop_seconds=0.7).run())
"""


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pids(path: Path, count: int = 1) -> list[int]:
    """The process ids that a child wrote, once there are that many."""
    for _ in range(1200):
        if path.exists() and len(found := path.read_text().split()) >= count:
            return [int(word) for word in found]
        time.sleep(0.05)
    raise AssertionError(f"{path.name} was not started {count} times")


def gone(pid: int) -> bool:
    """Wait for the end of a process."""
    for _ in range(1200):
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(name="start")
def _start(tmp_path: Path) -> Iterator[object]:
    started: list[subprocess.Popen[str]] = []

    def start(kind: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), kind],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_sigterm_stops_everything_and_exits_0(start, tmp_path: Path) -> None:
    supervisor = start("plain")
    a, b = pids(tmp_path / "a")[0], pids(tmp_path / "b")[0]
    supervisor.terminate()
    out, _ = supervisor.communicate(timeout=60)
    assert supervisor.returncode == 0
    assert out.splitlines() == ["a is ready", "b is ready"]
    assert not alive(a)
    assert not alive(b)


def test_what_dies_is_started_again_and_the_others_stay(start, tmp_path: Path) -> None:
    supervisor = start("plain")
    a, b = pids(tmp_path / "a")[0], pids(tmp_path / "b")[0]
    os.kill(a, signal.SIGKILL)
    again = pids(tmp_path / "a", 2)[1]
    assert again != a
    assert alive(again)
    assert alive(b)
    assert len(pids(tmp_path / "b")) == 1
    supervisor.send_signal(signal.SIGINT)
    out, _ = supervisor.communicate(timeout=60)
    assert supervisor.returncode == 0
    assert out.splitlines() == ["a is ready", "b is ready"]  # said once, not at every restart
    assert not alive(again)


def test_a_supervisor_that_is_killed_leaves_no_orphans(start, tmp_path: Path) -> None:
    supervisor = start("plain")
    children = [pids(tmp_path / "a")[0], pids(tmp_path / "b")[0]]
    supervisor.kill()
    assert all(gone(pid) for pid in children)


def test_who_ignores_sigterm_is_killed_after_the_grace(start, tmp_path: Path) -> None:
    supervisor = start("stubborn")
    a, b = pids(tmp_path / "a")[0], pids(tmp_path / "b")[0]
    supervisor.terminate()
    _, errors = supervisor.communicate(timeout=60)
    assert supervisor.returncode == 0
    assert "did not stop in time" in errors
    assert not alive(a)
    assert not alive(b)


def test_wrong_usage_stops_everything_instead_of_starting_again(start, tmp_path: Path) -> None:
    supervisor = start("usage")
    _, errors = supervisor.communicate(timeout=60)
    assert supervisor.returncode == 1
    assert "cannot work with these settings" in errors
    assert not alive(pids(tmp_path / "a")[0])


def test_a_job_runs_once_and_a_failed_one_is_reported(start, tmp_path: Path) -> None:
    supervisor = start("job")
    pids(tmp_path / "a")
    time.sleep(1.0)
    supervisor.terminate()
    out, errors = supervisor.communicate(timeout=60)
    assert out.splitlines() == ["job is done"]
    assert errors.count("job failed") == 1


def test_pauses_double_up_to_a_limit_and_begin_anew_after_a_calm_run() -> None:
    child = Child(Role(name="x", argv=[sys.executable, "-c", "pass"]))
    now, pauses = 100.0, []
    for lasted in (0.0,) * 9 + (CALM,):
        assert child.may_start(now, set())
        child.start(now)
        assert child.process is not None
        child.process.wait()
        now += lasted
        assert child.ended(now) == 0
        step = 0.0
        while not child.may_start(now + step, set()):
            step += 0.1
        pauses.append(step)
        now += step
    expected = [min(FIRST_PAUSE * 2**n, LONGEST_PAUSE) for n in range(9)] + [FIRST_PAUSE]
    assert pauses == pytest.approx(expected, abs=0.15)


def test_a_claim_has_one_holder_and_ends_with_its_process(tmp_path: Path) -> None:
    assert holder(tmp_path, "up") is None
    code = "import sys, time; from pathlib import Path; from tracker.supervisor.claim import Claim\n"
    code += "Claim.take(Path(sys.argv[1]), 'up', url='http://x'); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert holder(tmp_path, "up") == {"pid": other.pid, "url": "http://x"}
        with pytest.raises(Conflict, match=str(other.pid)):
            Claim.take(tmp_path, "up")
        other.kill()
    assert holder(tmp_path, "up") is None
    Claim.take(tmp_path, "up").release()


def test_a_port_in_use_is_refused_even_if_it_is_shared(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Conflict, match="--port") as caught:
            must_be_free("127.0.0.1", port, what="collector", flag="--port")
        assert str(port) in caught.value.message
    must_be_free("127.0.0.1", port, what="collector", flag="--port")


def test_answers_is_false_for_silence_and_for_errors() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert not answers("127.0.0.1", port, "/", timeout=0.1)  # accepts and says nothing

        def reply(status: bytes) -> None:
            connection, _ = server.accept()
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 " + status + b" X\r\nContent-Length: 0\r\n\r\n")
            connection.close()

        server.accept()[0].close()
        for status, expected in ((b"200", True), (b"503", False)):
            thread = threading.Thread(target=reply, args=(status,))
            thread.start()
            assert answers("127.0.0.1", port, "/", timeout=5) is expected
            thread.join()
    assert not answers("127.0.0.1", port, "/")
