"""The commands as a shell sees them: output, one line of error, exit code."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from clickhouse import free_port

from tracker.cli.app import app

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> Run:
    env = {name: value for name, value in os.environ.items() if not name.startswith("TRACKER_")}

    def run(*words: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tracker", *words],
            env=env | {"TRACKER_DATA": str(tmp_path / "data")} | more,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=tmp_path,
        )

    return run


def commands() -> list[tuple[str, ...]]:
    """Every command, sub-commands too, as words."""
    found: list[tuple[str, ...]] = []

    def walk(group: object, words: tuple[str, ...]) -> None:
        for name, command in getattr(group, "commands", {}).items():
            if getattr(command, "commands", None):
                walk(command, (*words, name))
            elif not command.hidden:
                found.append((*words, name))

    walk(typer.main.get_command(app), ())
    return found


CONTRACT = {
    *"up demo collector loader api dashboard status migrate doctor import funnel".split(),
    *("site add", "site list", "key add", "key list", "key revoke"),
    *("audience list", "audience show", "audience export", "audience preview"),
}


def test_every_command_of_the_contract_is_there() -> None:
    assert CONTRACT - {" ".join(words) for words in commands()} == set()


def groups() -> list[tuple[str, ...]]:
    """`tracker site` and the like."""
    return sorted({words[:1] for words in commands() if len(words) > 1})


@pytest.mark.parametrize("words", [*commands(), *groups()], ids=" ".join)
def test_every_command_has_help_with_an_example_that_can_be_typed(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every word of it is one that the command takes: an option that was renamed or an argument too many fails here."""
    tracker = typer.main.get_command(app)
    tracker.main([*words, "--help"], prog_name="tracker", standalone_mode=False)
    shown = " ".join(capsys.readouterr().out.split())
    assert "Example: " in shown
    example = shown.split("Example: ")[1].partition(" where ")[0]
    settings, _, typed = example.partition("tracker ")
    assert all(re.fullmatch(r"TRACKER_[A-Z_]+=\S+", one) for one in settings.split())
    given = shlex.split(typed)
    assert tuple(given[: len(words)]) == words
    monkeypatch.chdir(tmp_path)
    for name in (one for one in given if re.fullmatch(r"[\w-]+(\.\w+)+", one)):
        (tmp_path / name).touch()
    command, path = tracker, "tracker"
    while (inner := getattr(command, "commands", {})) and given and given[0] in inner:
        command, path = inner[given[0]], f"{path} {given.pop(0)}"
    with command.make_context(path, given):
        pass


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from tracker.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print([name for name in sys.modules if name in {'aiohttp', 'sqlalchemy', 'chdb', 'pyarrow', 'streamlit'}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


WORKER = """
import os, signal, sys, threading, time
from tracker.cli import main
from tracker.supervisor.ports import answers

def stop_when_ready():
    while not answers("127.0.0.1", int(sys.argv[1]), "/healthz"):
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=stop_when_ready, daemon=True).start()
try:
    main(["collector", "--worker", "0", "--port", sys.argv[1]])
except SystemExit as end:
    print(end.code)
heavy = {"sqlalchemy", "chdb", "clickhouse_driver", "pyarrow", "pandas", "streamlit", "numpy"}
print(sorted(heavy & set(sys.modules)))
"""


def test_a_collector_worker_loads_no_database_and_no_data_frames(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(free_port())],
        env=os.environ | {"TRACKER_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines() == ["0", "[]"]


def test_site_add_prints_exactly_what_the_contract_says(run: Run, tmp_path: Path) -> None:
    done = run(
        "site", "add", "shop", "--domain", "shop.example", "--domain", "b.example", "--timezone", "Europe/Berlin"
    )
    made = json.loads(done.stdout)
    assert done.returncode == 0
    assert set(made) == {"site", "write_key"}
    assert made["site"] == "shop"
    known = json.loads((tmp_path / "data" / "sites.json").read_text())["sites"][0]
    assert (known["write_key"], known["domains"], known["consent"], known["timezone"]) == (
        made["write_key"],
        ["shop.example", "b.example"],
        "opt-in",
        "Europe/Berlin",
    )
    listed = json.loads(run("site", "list").stdout)
    assert [site["name"] for site in listed["sites"]] == ["shop"]
    assert "identifier_key" not in listed["sites"][0]


def test_keys_are_made_listed_without_value_and_revoked(run: Run) -> None:
    run("site", "add", "shop", "--domain", "shop.example")
    made = json.loads(run("key", "add", "--role", "analyst", "--site", "shop").stdout)
    assert set(made) == {"token"}
    listed = run("key", "list").stdout
    assert made["token"] not in listed
    (only,) = json.loads(listed)["keys"]
    assert (only["role"], only["site"], only["revoked"]) == ("analyst", "shop", False)
    assert json.loads(run("key", "revoke", only["id"]).stdout) == {"revoked": only["id"]}
    assert json.loads(run("key", "list").stdout)["keys"][0]["revoked"] is True


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["nonsense"], 2, "nonsense"),
        (["up", "--port", "http"], 2, "--port"),
        (["up", "--port", "0"], 2, "between 1 and 65535"),
        (["up", "--workers", "99"], 2, "workers"),
        (["site", "add"], 2, "NAME"),
        (["site", "add", "shop", "--consent", "maybe"], 2, "opt-in or opt-out"),
        (["site", "add", "a b"], 2, "name must be"),
        (["site", "add", "shop", "--domain", "https://x/"], 2, "host name"),
        (["site", "add", "shop", "--timezone", "Mars"], 2, "Europe/Berlin"),
        (["key", "add", "--role", "king"], 2, "role must be one of"),
        (["key", "add", "--role", "viewer", "--site", "none"], 1, "no site named none"),
        (["key", "revoke", "tok_0"], 1, "no such token"),
        (["funnel", "missing.json"], 2, "no such file: missing.json"),
        (["funnel", "-"], 2, "not JSON"),
        (["report", "../sites", "-"], 2, "a report's name is like"),
        (["import", "missing.csv", "--site", "shop", "--format", "csv"], 2, "no such file"),
        (["import", __file__, "--site", "shop", "--format", "xml"], 2, "no such format: xml"),
        (["import", __file__, "--site", "none", "--format", "native"], 1, "no site named none"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_error_is_one_line_that_says_what_to_do(run: Run, words: list[str], code: int, says: str) -> None:
    done = run(*words, stdin="{")
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("tracker: ")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_where(run: Run) -> None:
    done = run("site", "add", "a b", "--debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_a_data_folder_that_cannot_be_made_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("site", "list", TRACKER_DATA=str(tmp_path / "file" / "data"))
    assert done.returncode == 1
    assert "--data" in done.stderr
    assert done.stderr.count("\n") == 1


def test_status_works_before_anything_ever_ran(run: Run) -> None:
    done = run("status", "--json")
    assert done.returncode == 0, done.stderr
    stock = json.loads(done.stdout)
    assert stock["ledger"] == {
        "received": 0,
        "stored": 0,
        "duplicates": 0,
        "rejected": {},
        "suppressed": 0,
        "waiting": 0,
        "unexplained": 0,
    }
    assert stock["running"] == {}
    assert stock["lag_seconds"] is None
    assert stock["versions"]["tracker"]
    assert "accepted" in run("status").stdout


def test_doctor_is_well_on_a_new_machine_and_says_what_is_not(run: Run, tmp_path: Path) -> None:
    well = run("doctor", "--json")
    assert well.returncode == 0, well.stdout
    states = {finding["check"]: finding["state"] for finding in json.loads(well.stdout)}
    assert "fail" not in states.values()
    run("site", "add", "shop", "--domain", "shop.example")
    token = tmp_path / "data" / "admin-token"
    token.write_text("jt_x")
    token.chmod(0o644)
    ill = run("doctor", "--json", TRACKER_GEO_DATABASE=str(tmp_path / "none.mmdb"))
    assert ill.returncode == 1
    failed = {finding["check"]: finding["says"] for finding in json.loads(ill.stdout) if finding["state"] == "fail"}
    assert set(failed) == {"admin token", "country database"}
    assert f"chmod 600 {token}" in failed["admin token"]


def test_the_admin_token_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    from tracker.config import Settings
    from tracker.wiring.doors import admin_token

    settings = Settings(data=tmp_path / "data")
    token = admin_token(settings)
    assert token == admin_token(settings)
    assert len(token) >= 40
    path = settings.data / "admin-token"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in settings.data.iterdir()] == ["admin-token"]
    assert admin_token(Settings(data=settings.data, admin_token="x" * 20)) == "x" * 20
