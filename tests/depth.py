"""How deep random tests dig: `make histories` sets TRACKER_HISTORIES and asks for much more than the whole run."""

from __future__ import annotations

import os

DEEP = int(os.environ.get("TRACKER_HISTORIES", "16")) > 16


def seeds(few: int, many: int) -> range:
    """`few` seeds in the whole run, `many` in `make histories`, the few among them."""
    return range(many if DEEP else few)
