"""All checks and all tests, with one total at the end. A part that fails does not keep the others from running.

Tests run on all cores. Beside them run those that start the whole product and real clients, and those that kill
processes and break disks: they wait much.

Files of all tests but those about disks lie in memory, where there is plenty: each of thousands of small databases is
synced at every step, and what that costs says nothing about the code.
"""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
BUILD = ROOT / ".build"
MEMORY = Path("/dev/shm")
ROOM = 6 << 30
"""Bytes that must be free there. The files of a whole run take less than one gigabyte."""
WHOLE = ["tests/engines/test_up.py", "tests/engines/test_up_demo.py", "tests/protocols"]
CHAOS = ["tests/chaos"]

# A file is one worker's, for what its tests share. In the order of folders: those that wait for browsers and servers
# come while others are busy, and the many short ones of tests/unit fill the end.
SPREAD = ["-n", "4", "--dist", "loadfile", "--no-loadscope-reorder"]
CHECKS = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "layers": ["lint-imports"],
}


_saying = threading.Lock()


@contextmanager
def in_memory() -> Iterator[dict[str, str]]:
    """What to put into the environment so that temporary files lie in memory; nothing where there is too little."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        available = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))
        if min(shutil.disk_usage(MEMORY).free, available // 2) < ROOM:
            raise OSError
        folder = tempfile.mkdtemp(prefix="tracker-tests-", dir=MEMORY)
    except (OSError, StopIteration):
        yield {}
        return
    try:
        yield {"TMPDIR": folder}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def step(name: str, command: list[str], *, whole: bool = False, env: Mapping[str, str] | None = None) -> bool:
    """Run one part; say how it went. `whole`: what it prints comes in one piece, once it is over."""
    if not whole:
        print(f"== {name}", flush=True)
    began = time.monotonic()
    done = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(env or {})},  # what one worker compiles serves the others
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if whole else None,
        stderr=subprocess.STDOUT if whole else None,
        check=False,
    )
    good = done.returncode == 0
    with _saying:
        if whole:
            print(f"== {name}\n{done.stdout.decode(errors='replace')}", flush=True)
        print(f"== {name}: {'passed' if good else 'FAILED'} in {time.monotonic() - began:.0f} s", flush=True)
    return good


def tests(
    name: str, *arguments: str, whole: bool = False, env: Mapping[str, str] | None = None
) -> tuple[bool, int, int]:
    """Run pytest; whether all is well, how many passed, how many failed."""
    report = BUILD / f"{name.replace(' ', '-')}.xml"
    report.unlink(missing_ok=True)
    good = step(name, ["python", "-m", "pytest", f"--junitxml={report}", *arguments], whole=whole, env=env)
    if not report.exists():
        return False, 0, 1
    suites = ET.parse(report).getroot().iter("testsuite")
    total = failed = 0
    for suite in suites:
        total += int(suite.get("tests", 0)) - int(suite.get("skipped", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    return good, max(total - failed, 0), failed


def main() -> int:
    """0 when everything passed."""
    BUILD.mkdir(exist_ok=True)
    # Hundreds of processes are started: none of them shall compile all modules again, whatever the environment says.
    compileall.compile_dir(ROOT / "tracker", quiet=1)
    compileall.compile_dir(ROOT / "dashboard", quiet=1)
    compileall.compile_dir(ROOT / "tests", maxlevels=2, quiet=1)
    with in_memory() as memory, ThreadPoolExecutor() as pool:
        checks = [pool.submit(step, name, command, whole=True) for name, command in CHECKS.items()]
        apart = [f"--ignore={path}" for path in WHOLE + CHAOS]
        beside = [
            pool.submit(tests, name, *paths, "-s", "--durations", "5", whole=True, env=env)
            for name, paths, env in (("whole product", WHOLE, memory), ("chaos", CHAOS, None))
        ]
        parts = [
            tests("tests", "tests", *apart, *SPREAD, "--durations", "10", env=memory),
            *(part.result() for part in beside),
        ]
        good = [check.result() for check in checks]
    print(f"{sum(part[1] for part in parts)} passed, {sum(part[2] for part in parts)} failed")
    return 0 if all(good) and all(part[0] for part in parts) else 1


if __name__ == "__main__":
    sys.exit(main())
