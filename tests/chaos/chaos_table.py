"""The one table that a chaos run ends with, and what makes a run an empty proof."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

FULL = os.environ.get("TRACKER_CHAOS") == "full"
LEAST_ACKNOWLEDGED = 10_000  # in a full run
COLUMNS = ("acked", "stored", "missing", "double", "unexplained")


@dataclass
class Proof:
    """One row. `acked` is what the oracle wrote down, `stored` what of it the store holds.

    missing      acknowledged, and neither stored nor kept as rejected with its reason
    double       ids that a report would count twice
    unexplained  what the ledger cannot explain
    replays      how often something was loaded that had been tried before
    """

    name: str
    test: str
    acked: int = 0
    stored: int = 0
    missing: int = 0
    double: int = 0
    unexplained: int = 0
    replays: int = 0
    note: str = ""
    why_not: str = ""
    seconds: float = 0.0
    failed: bool = False
    judged: bool = False
    _started: float = field(default_factory=time.monotonic)

    def found(
        self, *, acked: int, stored: int, missing: int, double: int, unexplained: int, replays: int = 0, note: str = ""
    ) -> None:
        """Enter the figures, then insist on them: what is written down stays in the table when a test fails."""
        self.acked, self.stored, self.missing, self.double = acked, stored, missing, double
        self.unexplained, self.replays, self.note = unexplained, replays, note
        self.seconds = time.monotonic() - self._started
        self.judged = True
        assert (missing, double, unexplained) == (0, 0, 0), self
        assert acked > 0, f"nothing was acknowledged: {self}"

    def not_run(self, why: str) -> None:
        """This machine cannot do it; the row says so."""
        self.why_not = why


def verdict(rows: Sequence[Proof]) -> list[str]:
    """What is wrong with a whole run, beside its failed tests."""
    wrong = [f"{row.name}: no verdict" for row in rows if not row.judged and not row.why_not]
    if FULL and (acked := sum(row.acked for row in rows)) < LEAST_ACKNOWLEDGED:
        wrong.append(f"only {acked} events were acknowledged, fewer than {LEAST_ACKNOWLEDGED}")
    if FULL and not sum(row.replays for row in rows):
        wrong.append("nothing was ever loaded a second time")
    return wrong


def table(rows: Sequence[Proof]) -> str:
    """All rows and their sums, as Markdown that can be read as it is."""
    lines = [("proof", *COLUMNS, "replays", "seconds", "what was done")]
    for row in rows:
        if row.why_not:
            lines.append((row.name, *[""] * 7, f"not run: {row.why_not}"))
            continue
        cells = [f"{getattr(row, column):,}" if row.judged else "?" for column in COLUMNS]
        note = ("FAILED. " if row.failed or not row.judged else "") + row.note
        lines.append((row.name, *cells, f"{row.replays:,}", f"{row.seconds:.0f}", note))
    sums = [f"{sum(getattr(row, column) for row in rows):,}" for column in COLUMNS]
    replays, seconds = sum(row.replays for row in rows), sum(row.seconds for row in rows)
    lines.append(("all", *sums, f"{replays:,}", f"{seconds:.0f}", f"load of the machine now: {_load()}"))
    wide = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    text = []
    for number, line in enumerate(lines):
        cells = [
            cell.rjust(width) if 0 < at < 8 else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, wide, strict=True))
        ]
        text.append(f"| {' | '.join(cells)} |")
        if not number:
            text.append(
                "|" + "|".join("-" * (width + 1) + (":" if 0 < at < 8 else "-") for at, width in enumerate(wide)) + "|"
            )
    return "\n".join(text)


def _load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg()) + f" on {os.cpu_count()} cores"


def noted(path: Path) -> tuple[set[int], set[int]]:
    """Numbers acknowledged, and numbers refused and never acknowledged, of a file of `ack N` and `refused N` lines."""
    acked: set[int] = set()
    refused: set[int] = set()
    for line in path.read_text().splitlines():
        word, number = line.split()
        (acked if word == "ack" else refused).add(int(number))
    return acked, refused - acked
