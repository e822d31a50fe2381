"""Kill -9 at any point of an export to a destination: nothing or all of it is there, nobody twice, no removal lost."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from outside import Heard, outside
from stores_outside import Place, folder_place, s3_server, sftp_server

pytestmark = pytest.mark.chaos

KILLS = 40 if os.environ.get("TRACKER_CHAOS") == "full" else 6
KINDS = ("folder", "s3", "sftp", "webhook", "network")


class Receiver:
    """A webhook that acts when the manifest has come, and Criteo: a set of identifiers."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.seen: dict[str, bytes] = {}
        self.manifests: list[str] = []
        self.members: set[str] = set()
        self.lock = threading.Lock()

    def say(self, heard: Heard) -> tuple[int, dict[str, str], bytes]:
        with self.lock:
            if heard.method == "PATCH":
                said = heard.json()["data"]["attributes"]
                change = self.members.update if said["operation"] == "add" else self.members.difference_update
                change(said["identifiers"])
            elif heard.path.endswith("/token"):
                return 200, {}, b'{"access_token": "t"}'
            elif heard.headers.get("tracker-event") == "delivery.file":
                if hashlib.sha256(heard.body).hexdigest() != heard.headers["tracker-sha256"]:
                    return 400, {}, b""
                self.files[heard.headers["tracker-file"]] = heard.body
            elif heard.headers.get("tracker-event") == "delivery.complete":
                self.seen[heard.headers["tracker-file"]] = heard.body
        return 200, {}, b"{}"

    def read(self) -> dict[str, bytes]:
        """Files whose manifest has come, and the manifests."""
        named = {one["name"] for blob in self.seen.values() for one in json.loads(blob)["files"]}
        return self.seen | {name: blob for name, blob in self.files.items() if name in named}


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Place, Receiver]]:
    receiver = Receiver()
    with ExitStack() as stack:
        if request.param == "folder":
            yield folder_place(tmp_path), receiver
        elif request.param == "s3":
            yield stack.enter_context(s3_server()), receiver
        elif request.param == "sftp":
            yield stack.enter_context(sftp_server(tmp_path / "sftp")), receiver
        else:
            other = stack.enter_context(outside(receiver.say))
            if request.param == "webhook":
                yield Place("webhook", {"url": other.url}, {"secret": "x" * 20}, receiver.read), receiver
            else:
                options = {"network": "criteo", "ids": {"SEGMENT_ID": "1"}, "base_url": other.url}
                yield Place("network", options, {"client_id": "c", "client_secret": "s"}, dict), receiver


def cells(blob: bytes) -> list[str]:
    return blob.decode().split()[1:]


def test_kill_9_at_any_point_of_an_export(place: tuple[Place, Receiver], tmp_path: Path, proof: Any) -> None:
    where, receiver = place
    row = proof(f"kill -9 during exports: {where.kind}")
    given = tmp_path / "place.json"
    given.write_text(json.dumps({"kind": where.kind, "options": where.options, "secrets": where.secrets}))
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("deliveries_child.py"), tmp_path, given, str(KILLS), "7"],
        check=False,
        capture_output=True,
        text=True,
        timeout=280 if KILLS < 10 else 900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["ledger"] == told["expected"]
    there = receiver.members if where.kind == "network" else replayed(where.read(), told["done"], where.kind)
    expected = set(told["expected"])
    row.found(
        acked=len(expected),
        stored=len(there & expected),
        missing=len(expected - there),
        double=0,
        unexplained=len(there - expected),
        replays=told["undecided"],
        note=f"{told['killed']} of {told['exports']} exports killed, {told['undecided']} of them on their way",
    )
    assert told["killed"] == KILLS


def replayed(files: dict[str, bytes], done: list[str], kind: str) -> set[str]:
    """Who is there after every delivery in its order. Nothing is there of an export that failed.

    A webhook cannot be asked what it has: whom it may have got is taken back too.
    """
    members: set[str] = set()
    there: set[str] = set()
    for export in done:
        [(name, blob)] = [(n, b) for n, b in files.items() if export in n and n.endswith(".manifest.json")]
        manifest, there = json.loads(blob), there | {name}
        for one in manifest["files"]:
            content, there = files[one["name"]], there | {one["name"]}
            assert (len(content), hashlib.sha256(content).hexdigest()) == (one["bytes"], one["sha256"])
            found = cells(content)
            assert len(found) == len(set(found))
            if "-remove" in one["name"]:
                assert kind == "webhook" or set(found) <= members, "taken back who was not there"
                members -= set(found)
            else:
                if manifest["mode"] == "delta":
                    assert not set(found) & members, "somebody was added twice"
                members |= set(found)
    assert set(files) == there, "something of a failed export is there"
    return members
