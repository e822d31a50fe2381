"""The documents: links that lead somewhere, commands that exist, reasons that are explained, nothing of one machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import typer

from tracker.core.drops import Reject, Suppress

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def tracked() -> list[Path]:
    """Files under version control, and new ones that are not ignored."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in done.stdout.splitlines() if (path := ROOT / name).is_file()]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(page.read_text()))
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        found = (page.parent / name).resolve() if name else page
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), target


def test_every_document_can_be_reached_from_the_readme() -> None:
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        seen.add(page)
        for target in LINK.findall(page.read_text()):
            found = (page.parent / target.partition("#")[0]).resolve()
            if found.suffix == ".md" and found.exists() and found not in seen:
                todo.append(found)
    docs = {page for page in PAGES if page.parent.name == "docs"}
    assert docs - seen == set()


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    from tracker.cli.app import app

    known: set[str] = set()

    def walk(group: object, words: tuple[str, ...]) -> None:
        for name, command in getattr(group, "commands", {}).items():
            if getattr(command, "commands", None):
                walk(command, (*words, name))
            elif not command.hidden:
                known.add(" ".join((*words, name)))

    walk(typer.main.get_command(app), ())
    text = "\n".join(page.read_text() for page in PAGES)
    missing = {name for name in known if not re.search(rf"\btracker {name}\b", text)}
    assert missing == set()
    code = re.findall(r"^ {4}(?:[A-Z_]+=\S+ )*tracker ([a-z-]+(?: [a-z]+)?)", text, re.MULTILINE)
    code += re.findall(r"`tracker ([a-z-]+(?: [a-z]+)?)[^`]*`", text)
    groups = {name.split()[0] for name in known}
    unknown = {words for words in code if words not in known and words.split()[0] not in groups}
    assert unknown == set()


@pytest.mark.parametrize("reason", [*Reject, *Suppress])
def test_every_reason_is_explained_and_tested(reason: Reject | Suppress) -> None:
    assert f"| `{reason.value}` |" in (ROOT / "docs" / "operations.md").read_text()
    named = re.compile(rf"{type(reason).__name__}\.{reason.name}\b|[\"']{reason.value}[\"']")
    elsewhere = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__).resolve()]
    assert any(named.search(path.read_text()) for path in elsewhere), "no test mentions it"


# Written in pieces, so that this file is not the first to be found.
PLACES = [
    "/wo" + "rk/",
    "/ro" + "ot/",
    "regi" + "stry.npm",
    "py" + "pi.org",
    "jsde" + "livr",
    "file" + "s.pythonhosted",
]


def test_nothing_names_one_machine_or_a_registry() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {word}" for word in PLACES if word in text]
    assert found == []


def test_every_code_of_an_error_of_the_api_is_listed() -> None:
    """`gone` is for nobody: the client has hung up."""
    said = re.compile(r'\bcode = "(\w+)"|\bcode="(\w+)"')
    sources = [path for name in ("api", "analytics", "catalog") for path in (ROOT / "tracker" / name).rglob("*.py")]
    found = {one or other for path in sources for one, other in said.findall(path.read_text(encoding="utf-8"))}
    assert len(found) > 30
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert {code for code in found if f"| `{code}`" not in text and f", `{code}`" not in text} == {"gone"}
