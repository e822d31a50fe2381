"""A real worker process: durable when killed, in order when told to stop."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import unused_port

from tracker.core.site import Site, SitesFile
from tracker.spool.reader import Spool

WORKER = """
import sys
from dataclasses import replace
from pathlib import Path
from tracker.collector.serve import run
from tracker.collector.settings import CollectorSettings
settings = CollectorSettings(data=Path(sys.argv[1]), port=int(sys.argv[2]), worker=int(sys.argv[3]))
run(replace(settings, realtime=sys.argv[4:] == ["realtime"]))
"""


@pytest.fixture
def data(tmp_path) -> Path:
    sites = SitesFile(sites=(Site(name="open", write_key="wk", consent="opt-out"),))
    (tmp_path / "sites.json").write_bytes(msgspec.json.encode(sites))
    return tmp_path


def start(data: Path, port: int, worker: int = 0, *more: str) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(data), str(port), str(worker), *more], stdout=subprocess.DEVNULL
    )
    for _ in range(400):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            connection.close()
            return process
        except OSError:
            time.sleep(0.05)
    process.kill()
    raise AssertionError("the worker did not start")


class Sender(threading.Thread):
    """Sends numbered events over one connection and notes what was acknowledged."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__(daemon=True)
        self.port, self.lane = port, name
        self.acknowledged: list[str] = []
        self.broken_answers = 0

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        number = 0
        while True:
            key = f"{self.lane}-{number}"
            body = {"site": "wk", "events": [{"type": "track", "name": "x", "visitor": "v", "session": key}]}
            try:
                connection.request("POST", "/e", json.dumps(body))
                answer = connection.getresponse()
                answer.read()
            except OSError:
                return
            except http.client.HTTPException:
                self.broken_answers += 1
                return
            if answer.status == 204:
                self.acknowledged.append(key)
            number += 1


def stored(data: Path) -> list[str]:
    spool = Spool(data / "spool")
    spool.adopt()
    return [json.loads(body)["session"] for ref in spool.sealed() for body in spool.read(ref).bodies]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.chaos
def test_what_was_acknowledged_is_stored_once(data, how):
    port = unused_port()
    acknowledged: list[str] = []
    for round_number in range(3):
        process = start(data, port)
        senders = [Sender(port, f"{round_number}-{lane}") for lane in range(6)]
        for sender in senders:
            sender.start()
        time.sleep(0.3 + 0.2 * round_number)
        process.send_signal(how)
        began = time.monotonic()
        assert process.wait(60) == (0 if how == signal.SIGTERM else -signal.SIGKILL)
        assert time.monotonic() - began < 6
        for sender in senders:
            sender.join(60)
            acknowledged += sender.acknowledged
    found = stored(data)
    assert len(acknowledged) > 30
    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found))


def test_two_workers_share_a_port_and_keep_their_own_folders(data):
    port = unused_port()
    workers = [start(data, port, number) for number in range(2)]
    try:
        senders = [Sender(port, str(lane)) for lane in range(16)]
        for sender in senders:
            sender.start()
        deadline = time.monotonic() + 30
        while not all((data / "spool" / name / "lock").exists() for name in ("c0", "c1")):
            assert time.monotonic() < deadline, "a worker did not start"
            time.sleep(0.05)
        time.sleep(1)
    finally:
        for process in workers:
            process.terminate()
        assert [process.wait(60) for process in workers] == [0, 0]
    for sender in senders:
        sender.join(60)
    acknowledged = [key for sender in senders for key in sender.acknowledged]
    assert set(acknowledged) <= set(stored(data))
    assert {path.name for path in (data / "spool").iterdir()} == {"c0", "c1"}


def test_a_request_in_flight_is_answered_while_the_worker_stops(data):
    port = unused_port()
    process = start(data, port)
    body = json.dumps({"site": "wk", "events": [{"type": "track", "name": "x", "visitor": "v", "session": "late"}]})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("POST", "/e")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:10].encode())
    time.sleep(0.2)
    process.terminate()
    time.sleep(0.3)
    connection.send(body[10:].encode())
    assert connection.getresponse().status == 204
    assert process.wait(60) == 0
    assert stored(data) == ["late"]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own calls")
@pytest.mark.parametrize("wanted", [True, False])
def test_a_worker_is_let_in_before_usual_processes_where_that_is_wanted_and_allowed(data, wanted):
    try:
        os.sched_setscheduler(os.getpid(), os.SCHED_RR, os.sched_param(1))
        os.sched_setscheduler(os.getpid(), os.SCHED_OTHER, os.sched_param(0))
    except PermissionError:
        pytest.skip("not allowed here")
    process = start(data, unused_port(), 0, *["realtime"] * wanted)
    try:
        assert os.sched_getscheduler(process.pid) == (os.SCHED_RR if wanted else os.SCHED_OTHER)
    finally:
        process.terminate()
        assert process.wait(10) == 0
