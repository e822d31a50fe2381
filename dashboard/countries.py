"""ISO 3166 country codes as names (`countries.txt`: one `CODE Name` a line)."""

from __future__ import annotations

import functools
from pathlib import Path


@functools.cache
def _names() -> dict[str, str]:
    lines = (Path(__file__).parent / "countries.txt").read_text(encoding="utf-8").splitlines()
    return {line[:2]: line[3:] for line in lines}


def country(code: str) -> str:
    """`DE` -> `Germany`; an unknown code stays as it is."""
    return _names().get(code.upper(), code)
