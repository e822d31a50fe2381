"""What can wait: one core, and not while somebody works whom pages wait for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from loading import event
from test_suppression_road import Choosing

from tracker.core.errors import TryLater
from tracker.store import calm
from tracker.store.calm import Calm
from tracker.store.engine import Engine, Query
from tracker.wiring.segments import Segments

LOOK = """
import os, sys, threading, time
from pathlib import Path
os.nice(5)  # before any thread is there, as the engine does
from tracker.store.calm import Calm
from tracker.store.embedded import Embedded
from tracker.store.engine import Query
def found():
    return {os.getpriority(os.PRIO_PROCESS, int(one)) for one in os.listdir("/proc/self/task")}
engine = Embedded(Path(sys.argv[1]))
before = found()
calm = Calm(engine)
slow = {"max_execution_time": 1, "timeout_overflow_mode": "break"}
text = "select count() from numbers(100000000000) where cityHash64(number) % 7 = 0"
thread = threading.Thread(target=lambda: calm.ask(Query(text=text, settings=slow)))
thread.start()
seen = set()
while thread.is_alive():
    seen |= found()
    time.sleep(0.05)
print(15 in seen, sorted(one for one in found() if one >= 0))
engine.close()
"""
THREADS = Query(text="select getSetting('max_threads')")


def later(asked: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(asked()))
    thread.start()
    return thread, found


def test_statements_take_one_core_and_begin_when_the_way_is_free(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Calm(engine).ask(THREADS).rows == [(1,)]
    free = threading.Event()
    waiting = Calm(engine, free)
    session = waiting.session()
    monkeypatch.setattr(calm, "LONGEST", 600.0)
    for asked in (waiting.ask, session.ask):
        free.clear()
        thread, found = later(lambda asked=asked: asked(THREADS).rows)
        thread.join(0.3)
        assert thread.is_alive() and not found
        free.set()
        thread.join()
        assert found == [[(1,)]]
    free.clear()
    monkeypatch.setattr(calm, "LONGEST", 0.05)
    assert waiting.ask(THREADS).rows == [(1,)]  # somebody always works: it begins all the same
    session.close()


def test_a_refresh_has_the_way_until_it_ends_however_it_ends(
    engine: Engine, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Choosing(data, engine)
    given = {"duration": "30d", "holdout": 0.0, "refresh": "1m"}
    shop.catalog.audiences.create("shop", "all", {"did": {"event": "click"}}, **given)
    rounds = Segments(engine, shop.catalog, data, stop=threading.Event())
    assert rounds.round() == 1 and rounds.free.is_set()
    seen: list[bool] = []

    def note(site: str, found: object) -> None:
        seen.append(rounds.free.is_set())
        if len(seen) == 2:
            raise TryLater("away", code="store_away")

    monkeypatch.setattr(rounds._files, "note", note)
    for n in (1, 2):
        shop.load([event(n, visitor=f"v{n}", name="click")])
        rounds._rest_until.clear()
        assert rounds.round() == (n == 1)
        assert rounds.free.is_set()
    assert seen == [False, False]


def may_set_priorities() -> bool:
    """Whether this process has CAP_SYS_NICE."""
    status = Path("/proc/self/status")
    return status.exists() and bool(int(status.read_text().partition("CapEff:")[2].split()[0], 16) >> 23 & 1)


@pytest.mark.skipif(not may_set_priorities(), reason="nobody may set priorities here")
def test_a_statement_that_can_wait_has_a_low_priority_and_leaves_none_that_is_too_high(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(tmp_path)], capture_output=True, text=True, check=False, preexec_fn=usual
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split(maxsplit=1) == ["True", "[5]\n"]


ASK = """
import os, sys
from pathlib import Path
from tracker.store.calm import Calm, may_raise
from tracker.store.embedded import Embedded
from tracker.store.engine import Query
engine = Embedded(Path(sys.argv[1]))
print(may_raise(), Calm(engine).ask(Query(text="select count() from numbers(1000000)")).rows)
engine.close()
"""


def test_within_a_user_namespace_a_statement_that_can_wait_leaves_the_process_alive(tmp_path: Path) -> None:
    """All rights, `CAP_SYS_NICE` too, but over nothing outside: no priority can be raised again."""
    within = ["unshare", "--user", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*within, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no user namespaces here")
    done = subprocess.run(
        [*within, sys.executable, "-c", ASK, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "False [(1000000,)]\n"), done.stderr


def usual() -> None:
    os.setpriority(os.PRIO_PROCESS, 0, 0)
