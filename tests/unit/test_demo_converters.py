"""The scripts that turn real files into what the tests load."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec

from tracker.collector.protocols import native

ROOT = Path(__file__).parents[2]
OTTO = ROOT / "tests" / "data" / "otto" / "train.jsonl"
LOG = ROOT / "tests" / "data" / "access-log" / "apache_logs.gz"


def convert(script: str, *arguments: str) -> bytes:
    command = [sys.executable, str(ROOT / "scripts" / script), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=120).stdout


def test_the_collector_reads_every_converted_event() -> None:
    for script, arguments, count in (("convert_shop.py", (), 31_106), ("convert_otto.py", (str(OTTO),), 862)):
        lines = convert(script, *arguments).splitlines()
        assert len(lines) == count
        batch = native.parse(b'{"site":"k","events":[' + b",".join(lines[:500]) + b"]}")
        assert len(batch.events) == 500
        assert {type(event) for event in batch.events} == {native.NativeEvent}


def test_otto_sessions_keep_their_events() -> None:
    sessions = [json.loads(line) for line in OTTO.read_text().splitlines()]
    wanted = Counter(event["type"] for session in sessions for event in session["events"])
    events = [json.loads(line) for line in convert("convert_otto.py", str(OTTO)).splitlines()]
    names = Counter(event["name"] for event in events)
    assert names == {
        "view_item": wanted["clicks"],
        "add_to_cart": wanted["carts"],
        "purchase": wanted["orders"],
    }
    assert len({event["visitor"] for event in events}) == len(sessions) == 20
    assert len({event["id"] for event in events}) == len(events)


def test_the_log_holds_no_addresses_but_pseudonyms() -> None:
    with gzip.open(LOG, "rt", encoding="latin-1") as lines:
        text = lines.readlines()
    assert len(text) == 10_000
    visitors = Counter(line.split(" ", 1)[0] for line in text)
    assert len(visitors) == 1753
    assert all(re.fullmatch(r"10(\.\d{1,3}){3}", visitor) for visitor in visitors)


def test_pseudonyms_are_stable_within_a_key_and_differ_between_keys(tmp_path: Path) -> None:
    lines = [
        '203.0.113.7 - - [x] "GET / HTTP/1.1" 200 1 "http://198.51.100.4/x" "a"\n',
        '198.51.100.4 - - [x] "GET /?ip=203.0.113.7 HTTP/1.1" 200 1 "-" "rv:1.9.0.19"\n',
        '203.0.113.7 - - [x] "GET / HTTP/1.1" 200 1 "-" "a"\n',
    ]
    source = tmp_path / "in.gz"
    source.write_bytes(gzip.compress("".join(lines).encode()))
    made = {}
    for key in ("aa", "bb"):
        convert("convert_access_log.py", str(source), str(tmp_path / key), "--key", key)
        made[key] = gzip.decompress((tmp_path / key).read_bytes()).decode().splitlines()
    first, second = (line.split(" ", 1)[0] for line in made["aa"][:2])
    assert first != second
    assert made["aa"][2].startswith(first + " ")
    assert f'"http://{second}/x"' in made["aa"][0]
    assert f"/?ip={first} " in made["aa"][1]
    assert "rv:1.9.0.19" in made["aa"][1]
    assert "203.0.113.7" not in str(made)
    assert made["aa"] != made["bb"]


def test_encoding_is_json_a_store_can_hold() -> None:
    for line in convert("convert_shop.py", "--last-day", "2026-11-21").splitlines()[:200]:
        msgspec.json.decode(line)
