"""All checks and all tests, with one total at the end. A part that fails does not keep the others from running.

What waits for processes, disks and browsers runs on all cores; what kills processes or prints figures runs alone,
afterwards.
"""

from __future__ import annotations

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
BUILD = ROOT / ".build"
ALONE = ["tests/engines/test_up.py", "tests/engines/test_up_demo.py", "tests/protocols", "tests/chaos"]

CHECKS = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "layers": ["lint-imports"],
}


def step(name: str, command: list[str]) -> bool:
    """Run one part; say how it went."""
    print(f"== {name}", flush=True)
    began = time.monotonic()
    code = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode
    print(f"== {name}: {'passed' if code == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s", flush=True)
    return code == 0


def tests(name: str, *arguments: str) -> tuple[bool, int, int]:
    """Run pytest; whether all is well, how many passed, how many failed."""
    report = BUILD / f"{name.replace(' ', '-')}.xml"
    report.unlink(missing_ok=True)
    good = step(name, ["python", "-m", "pytest", f"--junitxml={report}", *arguments])
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
    good = [step(name, command) for name, command in CHECKS.items()]
    apart = [f"--ignore={path}" for path in ALONE]
    parts = [
        tests("tests", "tests", *apart, "-n", "3", "--dist", "loadfile", "--durations", "10"),
        tests("tests alone", *ALONE, "-s", "--durations", "10"),
    ]
    print(f"{sum(part[1] for part in parts)} passed, {sum(part[2] for part in parts)} failed")
    return 0 if all(good) and all(part[0] for part in parts) else 1


if __name__ == "__main__":
    sys.exit(main())
