"""Every proof enters a row; the run ends with the table, and fails when it proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from chaos_table import Proof, table, verdict

_ROWS = pytest.StashKey[list[Proof]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_ROWS] = []


@pytest.fixture
def proof(request: pytest.FixtureRequest) -> Callable[[str], Proof]:
    """`proof(name)` begins a row of the table."""

    def begin(name: str) -> Proof:
        row = Proof(name, request.node.nodeid)
        request.config.stash[_ROWS].append(row)
        return row

    return begin


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    rows = session.config.stash[_ROWS]
    if rows and not exitstatus and verdict(rows):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = config.stash[_ROWS]
    if not rows:
        return
    failed = {report.nodeid for report in terminalreporter.stats.get("failed", [])}
    for row in rows:
        row.failed = row.test in failed
    terminalreporter.write_line("\n" + table(rows) + "\n")
    for line in verdict(rows):
        terminalreporter.write_line(f"FAILED: {line}", red=True)
