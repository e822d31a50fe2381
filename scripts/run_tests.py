"""All checks and all tests, with one total at the end. A part that fails does not keep the others from running.

Tests run on all cores. Beside them run those that start the whole product and real clients, and those that kill
processes and break disks: they wait much.
"""

from __future__ import annotations

import compileall
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
BUILD = ROOT / ".build"
BESIDE = {
    "whole product": ["tests/engines/test_up.py", "tests/engines/test_up_demo.py", "tests/protocols"],
    "chaos": ["tests/chaos"],
}

CHECKS = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "layers": ["lint-imports"],
}


_saying = threading.Lock()


def step(name: str, command: list[str], *, whole: bool = False) -> bool:
    """Run one part; say how it went. `whole`: what it prints comes in one piece, once it is over."""
    if not whole:
        print(f"== {name}", flush=True)
    began = time.monotonic()
    done = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=ROOT,
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


def tests(name: str, *arguments: str, whole: bool = False) -> tuple[bool, int, int]:
    """Run pytest; whether all is well, how many passed, how many failed."""
    report = BUILD / f"{name.replace(' ', '-')}.xml"
    report.unlink(missing_ok=True)
    good = step(name, ["python", "-m", "pytest", f"--junitxml={report}", *arguments], whole=whole)
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
    with ThreadPoolExecutor() as pool:
        checks = [pool.submit(step, name, command, whole=True) for name, command in CHECKS.items()]
        apart = [f"--ignore={path}" for paths in BESIDE.values() for path in paths]
        beside = [
            pool.submit(tests, name, *paths, "-s", "--durations", "5", whole=True) for name, paths in BESIDE.items()
        ]
        parts = [
            tests("tests", "tests", *apart, "-n", "3", "--dist", "loadfile", "--durations", "10"),
            *(part.result() for part in beside),
        ]
        good = [check.result() for check in checks]
    print(f"{sum(part[1] for part in parts)} passed, {sum(part[2] for part in parts)} failed")
    return 0 if all(good) and all(part[0] for part in parts) else 1


if __name__ == "__main__":
    sys.exit(main())
