"""Client libraries as their makers ship them, driven from one list of calls in the Segment API's own words."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import rudderstack.analytics
import segment.analytics

NODE = Path(__file__).with_name("node")
CLIENTS = ("segment-python", "segment-python gzip", "segment-node", "rudder-python gzip")
PATIENCE = 90  # seconds until a client must have got rid of everything

Call = Mapping[str, Any]  # {"method": "track", "event": ..., "timestamp": "2026-..Z", ...}


def send(client: str, host: str, write_key: str, calls: Sequence[Call], *, batch: int = 100) -> None:
    """Returns once the library says that everything is delivered; fails if it gives anything up."""
    if client == "segment-node":
        _node(host, write_key, calls, batch)
        return
    name, _, form = client.partition(" ")
    library = segment.analytics if name == "segment-python" else rudderstack.analytics
    errors: list[str] = []
    made = library.Client(
        write_key,
        host=host,
        gzip=form == "gzip",
        upload_size=batch,
        upload_interval=0.1,
        on_error=lambda error, items: errors.append(f"{error} ({len(items)} events)"),
    )
    for call in calls:
        _python_call(made, call)
    deadline = time.monotonic() + PATIENCE
    while made.queue.unfinished_tasks and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not made.queue.unfinished_tasks, f"{client} still tries: {errors}"
    assert not errors, errors
    made.shutdown()


def _python_call(client: Any, call: Call) -> None:
    words = {re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower(): value for name, value in call.items()}
    words["timestamp"] = datetime.fromisoformat(words["timestamp"])
    getattr(client, words.pop("method"))(**words)


def _node(host: str, write_key: str, calls: Sequence[Call], batch: int) -> None:
    given = {"writeKey": write_key, "host": host, "batch": batch, "calls": list(calls)}
    said = node("segment.mjs", given, needs="@segment/analytics-node")
    assert not said["errors"] and len(said["delivered"]) == len(calls), said


def node(script: str, given: Mapping[str, Any], *, needs: str) -> Any:
    """What a script with an unmodified client says, as JSON; fails if it fails. `needs`: the client's package."""
    if not (NODE / "node_modules" / needs).exists():
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=NODE, check=True, timeout=180)
    done = subprocess.run(
        ["node", script],
        cwd=NODE,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=PATIENCE + 10,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def stamp(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


each_client = pytest.mark.parametrize("client", CLIENTS)
