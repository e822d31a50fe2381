"""The committed pixel is what the source builds, it fits its budget, and it is what we say it is."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIXEL = ROOT / "pixel"
BUILT = ROOT / "tracker" / "collector" / "pixel"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source with its pinned tools, so that building touches nothing in the tree."""
    folder = tmp_path_factory.mktemp("workshop")
    shutil.copytree(PIXEL, folder / "pixel", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(BUILT, folder / "tracker" / "collector" / "pixel")
    if (PIXEL / "node_modules").is_dir():
        (folder / "pixel" / "node_modules").symlink_to(PIXEL / "node_modules")
    else:
        run(folder / "pixel", "npm", "ci", "--ignore-scripts")
    return folder / "pixel"


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=180, check=False)


def test_the_committed_file_is_the_fresh_build(workshop: Path) -> None:
    done = run(workshop, "node", "build.mjs", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)


def test_a_stale_file_is_noticed(workshop: Path) -> None:
    source = workshop / "src" / "identity.ts"
    text = source.read_text()
    try:
        source.write_text(text.replace("30 * 60_000", "31 * 60_000"))
        assert run(workshop, "node", "build.mjs", "--check").returncode == 1
    finally:
        source.write_text(text)


def test_the_types_hold(workshop: Path) -> None:
    done = run(workshop, "node_modules/.bin/tsc", "--noEmit")
    assert done.returncode == 0, done.stdout


def test_the_size_is_within_the_budget() -> None:
    budget = json.loads((PIXEL / "budget.json").read_text())
    assert budget["p.js"]["gzip"] <= 4000
    assert len(gzip.compress((BUILT / "p.js").read_bytes(), 9)) <= budget["p.js"]["gzip"]


def test_nothing_in_it_needs_a_looser_policy() -> None:
    code = (BUILT / "p.js").read_text()
    assert not re.search(r"\beval\b|new Function|innerHTML|document\.write|\.cookie\b", code)
    assert code.rstrip().endswith("//# sourceMappingURL=p.js.map")


def test_no_dependency_and_no_registry() -> None:
    package = json.loads((PIXEL / "package.json").read_text())
    assert "dependencies" not in package
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    assert "://" not in (PIXEL / "package-lock.json").read_text()
