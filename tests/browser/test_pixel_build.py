"""The committed pixel is what the source builds, it fits its budget, and it is what we say it is."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIXEL = ROOT / "pixel"
BUILT = ROOT / "tracker" / "pixel" / "built"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source with its pinned tools, so that building touches nothing in the tree."""
    folder = tmp_path_factory.mktemp("workshop")
    shutil.copytree(PIXEL, folder / "pixel", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(BUILT, folder / "tracker" / "pixel" / "built")
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


def worst(text: bytes) -> int:
    """The largest of what compressors make of it: what is served, Python's, Node's, gzip's with a file name."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    node = "process.stdout.write(String(zlib.gzipSync(fs.readFileSync(0), { level: 9 }).length))"
    sizes = [
        len(packer.compress(text) + packer.flush()),
        len(gzip.compress(text, 9)),
        int(subprocess.run(["node", "-e", node], input=text, capture_output=True, check=True, timeout=60).stdout),
    ]
    if shutil.which("gzip"):
        packed = subprocess.run(["gzip", "-9c"], input=text, capture_output=True, check=True, timeout=60).stdout
        sizes.append(len(packed) + len("p.js") + 1)
    return max(sizes)


def test_every_file_is_within_its_budget() -> None:
    """The issue's figures, so that nobody raises them in the build's own table; any compressor keeps to them."""
    budget = json.loads((PIXEL / "budget.json").read_text())
    assert budget["each"] == {"core": 4000, "modules": 2500, "widgets": 2500}
    assert budget["all"] == {"core": 4000, "modules": 12_000, "widgets": 20_000}
    assert all(most <= 2500 for most in budget["files"].values())
    modules = {path.stem for path in (PIXEL / "src" / "modules").glob("*.ts")}
    sums: dict[str, int] = {}
    for path in BUILT.glob("*.js"):
        size = worst(path.read_bytes())
        group = "core" if path.stem == "p" else "modules" if path.stem in modules else "widgets"
        assert size <= budget["files"].get(path.name, budget["each"][group]), path.name
        sums[group] = sums.get(group, 0) + size
    assert all(sums[group] <= budget["all"][group] for group in budget["all"])


def test_nothing_in_it_needs_a_looser_policy() -> None:
    for path in BUILT.glob("*.js"):
        code = path.read_text()
        assert not re.search(r"\beval\b|new Function|innerHTML|document\.write|\.cookie\b|sourceMappingURL", code), (
            path.name
        )


def test_it_is_es2018() -> None:
    """esbuild, asked for an older target than we promise, would have to change what is newer: it has nothing to do."""
    for path in BUILT.glob("*.js"):
        command = [PIXEL / "node_modules" / ".bin" / "esbuild", "--target=es2018", "--minify", "--charset=utf8", path]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        # Optional chaining, ??, ??=, #private and static blocks leave traces when they are lowered.
        code = path.read_text()
        assert not re.search(
            r"\?\.[a-zA-Z_$\[(]|\?\?|\*\*=|\bimport\(|\bstatic\{|\.replaceAll\(|\.flat\(|\.at\(", code
        ), path.name
        assert done.stderr == ""


def test_no_dependency_and_no_registry() -> None:
    package = json.loads((PIXEL / "package.json").read_text())
    assert "dependencies" not in package
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    assert "://" not in (PIXEL / "package-lock.json").read_text()


def test_the_package_has_its_files_and_its_types_hold(workshop: Path) -> None:
    done = run(workshop, "npm", "pack", "--dry-run", "--json")
    assert {file["path"] for file in json.loads(done.stdout)[0]["files"]} == {
        "package.json",
        "package/index.js",
        "package/index.d.ts",
    }
    right = """import { jt, load } from "../package/index.js";
        const track = load({ collector: "https://c.example", site: "wk_1", consent: "opt-in" });
        track("purchase", { value: 1, items: [{ item_id: "a", price: 1 }] });
        jt("consent", { analytics: true }); jt("ready", (who) => who.visitor?.length); jt("sign_up");
        jt("survey", "nps"); jt("banner");"""
    wrong = [
        'jt("consent", { analytics: "yes" });',
        'jt("identify", {});',
        'jt("bought");',
        "load({ site: 1 });",
        'jt("survey", 1);',
    ]
    options = ["--noEmit", "--strict", "--target", "es2020", "--module", "esnext", "--moduleResolution", "bundler"]
    sample = workshop / "src" / "sample.ts"
    try:
        sample.write_text(right)
        done = run(workshop, "node_modules/.bin/tsc", *options, "--ignoreConfig", "src/sample.ts")
        assert done.returncode == 0, done.stdout
        for line in wrong:
            sample.write_text(f"{right}\n{line}")
            assert (
                run(workshop, "node_modules/.bin/tsc", *options, "--ignoreConfig", "src/sample.ts").returncode != 0
            ), line
    finally:
        sample.unlink()
