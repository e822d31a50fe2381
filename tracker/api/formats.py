"""Reports as JSON, CSV or Arrow, by the request's `Accept`."""

from __future__ import annotations

import enum
from importlib import import_module
from typing import Any


class Format(enum.Enum):
    """Media types of reports."""

    JSON = "application/json"
    CSV = "text/csv"
    ARROW = "application/vnd.apache.arrow.stream"


def wanted(accept: str, *, report: bool) -> Format:
    """The format with the highest q; JSON where the header names none of ours, and for everything but reports.

    A wildcard means JSON. What we do not have is answered with JSON too, not with 406: errors are JSON anyhow.
    """
    if not report:
        return Format.JSON
    best, best_q = Format.JSON, 0.0
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        q = next((_number(piece[2:]) for piece in parameters if piece.startswith("q=")), 1.0)
        known = next((form for form in Format if form.value == name or (form is Format.JSON and "*" in name)), None)
        if known is not None and q > best_q:
            best, best_q = known, q
    return best


def table(report: str, answer: dict[str, Any], form: Format) -> bytes:
    """A report's answer as one table."""
    tables = import_module("tracker.analytics.tables")  # only now: pyarrow is slow to load and large in memory
    made: bytes = tables.to_csv(report, answer) if form is Format.CSV else tables.to_arrow(report, answer)
    return made


def _number(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0
