"""`tracker audience export` says what was chosen to the API as the API takes it."""

from __future__ import annotations

import json

import pytest
from outside import Heard, outside
from test_cli_suppress import run

TOKEN = "jt_known_to_that_service"


def api(heard: Heard) -> tuple[int, dict[str, str], bytes]:
    files = [{"name": "aud_1-exp_1-liveramp.csv.gz"}]
    answer = {"id": "exp_1", "state": "done", "files": files, "counts": {"written": 1}}
    if heard.path.endswith("/file"):
        return 200, {"Content-Type": "application/gzip"}, b"gz"
    return 202 if heard.method == "POST" else 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], {}),
        (["--delimiter", "pipe", "--compression", "none"], {"delimiter": "|", "compression": "none"}),
        (["--delimiter", "tab"], {"delimiter": "\t"}),
        (["--delimiter", ";"], {"delimiter": ";"}),
        (["--segments", "753,1675"], {"segments": ["753", "1675"]}),
    ],
)
def test_options_are_sent(tmp_path, capsys, monkeypatch, words, options):
    with outside(api) as other:
        monkeypatch.setenv("TRACKER_API_URL", other.url)
        monkeypatch.setenv("TRACKER_ADMIN_TOKEN", TOKEN)
        monkeypatch.chdir(tmp_path)
        data = ["--data", str(tmp_path / "data")]
        code, out, err = run(capsys, "audience", "export", "aud_1", "--network", "liveramp", *words, *data)
        assert code == 0, err
        [body] = [one.json() for one in other.heard if one.method == "POST"]
    assert body["options"] == options
    assert json.loads(out)["written_to"] == "audience-aud_1.csv.gz"
    assert (tmp_path / "audience-aud_1.csv.gz").read_bytes() == b"gz"


def test_a_dry_run_is_a_file_wherever_it_would_be_sent(tmp_path, capsys, monkeypatch):
    with outside(api) as other:
        monkeypatch.setenv("TRACKER_API_URL", other.url)
        monkeypatch.setenv("TRACKER_ADMIN_TOKEN", TOKEN)
        monkeypatch.chdir(tmp_path)
        words = [
            "audience",
            "export",
            "aud_1",
            "--network",
            "criteo",
            "--to",
            "dst_1",
            "--data",
            str(tmp_path / "data"),
        ]
        code, out, err = run(capsys, *words, "--dry-run")
        assert (code, json.loads(out)["written_to"]) == (0, "audience-aud_1.csv.gz"), err
        assert run(capsys, *words)[0] == 0
        dry, sent = [one.json() for one in other.heard if one.method == "POST"]
    assert (dry["dry_run"], dry["destination"]) == (True, "dst_1") and "dry_run" not in sent
    assert sum(one.path.endswith("/file") for one in other.heard) == 1, "what was sent is not here"


def test_a_download_is_complete_or_not_there(tmp_path, capsys, monkeypatch):
    def cut(heard: Heard) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = api(heard)
        return (
            (status, headers | {"Content-Length": "9"}, body)
            if heard.path.endswith("/file")
            else (status, headers, body)
        )

    words = ["audience", "export", "aud_1", "--data", str(tmp_path / "data"), "--out"]
    with outside(api) as other:
        monkeypatch.setenv("TRACKER_API_URL", other.url)
        monkeypatch.setenv("TRACKER_ADMIN_TOKEN", TOKEN)
        there = tmp_path / "people.csv"
        assert run(capsys, *words, str(there))[0] == 0
        assert (there.read_bytes(), there.stat().st_mode & 0o777) == (b"gz", 0o600)
        code, _, err = run(capsys, *words, str(tmp_path / "nowhere" / "people.csv"))
        assert (code, "cannot write" in err, "No such file" in err) == (1, True, True)
    with outside(cut) as other:
        monkeypatch.setenv("TRACKER_API_URL", other.url)
        monkeypatch.setenv("TRACKER_ADMIN_TOKEN", TOKEN)
        code, _, err = run(capsys, *words, str(there))
        assert (code, "no answer from the API" in err) == (1, True)
    assert there.read_bytes() == b"gz"
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".part"] == []


def test_why_an_export_failed_is_a_sentence(tmp_path, capsys, monkeypatch):
    def small(_: Heard) -> tuple[int, dict[str, str], bytes]:
        answer = {"id": "exp_1", "state": "failed", "error": {"code": "too_small", "message": "too few: 3"}}
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()

    with outside(small) as other:
        monkeypatch.setenv("TRACKER_API_URL", other.url)
        monkeypatch.setenv("TRACKER_ADMIN_TOKEN", TOKEN)
        code, out, err = run(capsys, "audience", "export", "aud_1", "--data", str(tmp_path / "data"))
    assert (code, out, err) == (1, "", "tracker: the export failed: too few: 3\n")
