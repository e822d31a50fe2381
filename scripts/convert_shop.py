"""The sample shop's click-stream as native events, one JSON object a line.

    python scripts/convert_shop.py [--last-day 2026-11-21] > shop.jsonl
    tracker import shop.jsonl --site demo --format native

`tracker demo` does the same without the file in between. The rules are in `tracker/demo/clickstream.py`.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from tracker.core.event import RawEvent
from tracker.demo import clickstream


def native(event: RawEvent) -> dict[str, Any]:
    """The wire form of one event: its own id is called `id` there."""
    fields = msgspec.to_builtins(event)
    assert isinstance(fields, dict)
    return {"id": fields.pop("message_id"), **fields}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--last-day", type=date.fromisoformat, help="move the stream to end on this day")
    parser.add_argument("--file", type=Path, default=clickstream.FILE)
    options = parser.parse_args()
    out = sys.stdout.buffer
    for event in clickstream.events(last_day=options.last_day, file=options.file):
        out.write(msgspec.json.encode(native(event)) + b"\n")


if __name__ == "__main__":
    main()
