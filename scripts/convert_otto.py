"""Real sessions of a real shop (OTTO) as native events, one JSON object a line.

    python scripts/convert_otto.py tests/data/otto/train.jsonl > otto.jsonl

clicks become view_item, carts add_to_cart, orders purchase. A session of the file is one visitor and one session. The
file holds no prices, so items have none and events no value. Several articles ordered in the same millisecond are
events of their own, as in the file.
"""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

NAMES = {"clicks": "view_item", "carts": "add_to_cart", "orders": "purchase"}
_IDS = uuid.UUID("0d1b3c52-3f3a-4c8e-9a4e-3b6b5f6a1c77")


def events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Native events in the file's order; ids come from session and position, so converting twice gives the same."""
    for line in lines:
        session = json.loads(line)
        name = f"otto-{session['session']}"
        for at, event in enumerate(session["events"], start=1):
            yield {
                "id": str(uuid.uuid5(_IDS, f"{name} {at}")),
                "type": "track",
                "name": NAMES[event["type"]],
                "ts": event["ts"],
                "visitor": name,
                "session": name,
                "seq": at,
                "items": [{"item_id": str(event["aid"]), "quantity": 1}],
                "consent": {"analytics": True, "ads": True},
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    with options.file.open(encoding="utf-8") as lines:
        for event in events(lines):
            sys.stdout.write(json.dumps(event) + "\n")


if __name__ == "__main__":
    main()
