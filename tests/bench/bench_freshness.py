"""How long after its answer an event is in a report, while others come in: collector, spool, loader, store and API.

    python tests/bench/bench_freshness.py [--seconds 40] [--rate 1000]

Real processes, embedded store. `rate` events a second come in batches of 50 at moments fixed in advance; twice a second
one more event is sent, and a report is asked for its name until it counts it. Prints percentiles from the answer of the
collector to that of the API; asserts nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from running import Tracker, request, tracker

BATCH = 50
LONGEST = 30.0  # seconds until an event counts as lost


def batch(key: str, names: list[str]) -> bytes:
    """The body of a native request."""
    events = [
        {"id": str(uuid.uuid4()), "type": "track", "name": name, "visitor": f"v{uuid.uuid4().int % 5000}"}
        for name in names
    ]
    return json.dumps({"site": key, "events": events}).encode()


def load(port: int, key: str, rate: int, stop: threading.Event, sent: list[int]) -> None:
    """Send at moments fixed in advance, until told to stop."""
    link = HTTPConnection("127.0.0.1", port, timeout=30)
    due = time.perf_counter()
    while not stop.is_set():
        due += BATCH / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        link.request("POST", "/e", batch(key, ["view_item"] * BATCH))
        answer = link.getresponse()
        answer.read()
        sent[0] += BATCH * (answer.status == 204)


def probe(it: Tracker, key: str, number: int) -> float:
    """Seconds from the answer to one event until a report counts it."""
    name = f"probe-{number}"
    assert request(it.port, "POST", "/e", batch(key, [name]))[0] == 204
    began = time.perf_counter()
    now = datetime.now(UTC)
    asked: dict[str, Any] = {
        "site": "shop",
        "from": (now - timedelta(hours=1)).isoformat(),
        "to": (now + timedelta(hours=1)).isoformat(),
        "interval": "day",
        "measure": "events",
        "event": {"event": name},
    }
    while (waited := time.perf_counter() - began) < LONGEST:
        series = it.api("POST", "/api/v1/reports/timeseries", asked)["series"]
        if sum(point["value"] for point in series):
            break
        time.sleep(0.02)
    return waited


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--rate", type=int, default=1000, help="events a second beside the probes")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracker-bench-") as folder, tracker(Path(folder)) as it:
        key = it.site("shop")
        it.collector().start()
        it.role("engine").start()
        it.ready()
        stop, sent = threading.Event(), [0]
        sender = threading.Thread(target=load, args=(it.port, key, asked.rate, stop, sent))
        sender.start()
        began, delays = time.perf_counter(), list[float]()
        while time.perf_counter() - began < asked.seconds:
            delays.append(probe(it, key, len(delays)))
            time.sleep(0.1)
        stop.set()
        sender.join()
        took = time.perf_counter() - began
        delays.sort()
        at = {share: delays[min(len(delays) - 1, int(len(delays) * share))] for share in (0.5, 0.9, 0.99)}
        print(
            f"{sent[0] / took:,.0f} events/s beside {len(delays)} probes: in a report after"
            f" p50 {at[0.5]:.2f} s, p90 {at[0.9]:.2f} s, p99 {at[0.99]:.2f} s, longest {delays[-1]:.2f} s"
        )


if __name__ == "__main__":
    main()
