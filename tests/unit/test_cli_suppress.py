"""`tracker suppress` without a running engine: it serves itself the API."""

from __future__ import annotations

import json

import pytest

from tracker.cli import main


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    out = capsys.readouterr()
    return int(ended.value.code or 0), out.out, out.err


@pytest.mark.usefixtures("no_store")
def test_add_import_and_list(tmp_path, capsys):
    data = ["--data", str(tmp_path / "data")]
    assert run(capsys, "site", "add", "shop", *data)[0] == 0
    code, out, err = run(capsys, "suppress", "add", "--site", "shop", "--email", "ann@shop.example", *data)
    assert (code, json.loads(out)["changed"]) == (0, 1), err
    file = tmp_path / "list.txt"
    file.write_text("ann@shop.example\nbob@shop.example\n\n")
    words = ("suppress", "import", str(file), "--site", "shop", *data)
    expected = {"site": "shop", "values": 2, "new": 1, "dry_run": True}
    assert json.loads(run(capsys, *words)[1]) == expected
    assert json.loads(run(capsys, *words)[1]) == expected  # nothing was done
    assert json.loads(run(capsys, *words, "--apply")[1]) == expected | {"dry_run": False}
    assert json.loads(run(capsys, *words, "--apply")[1])["new"] == 0
    file.write_text("bob@shop.example\nc0ffee\n")
    code, out, err = run(capsys, *words, "--apply")
    assert (code, out) == (1, "")
    assert "values[1]" in err
    assert "c0ffee" not in err
    listed = json.loads(run(capsys, "suppress", "list", "--site", "shop", *data)[1])
    assert listed["total"] == 2
    assert "@" not in str(listed)
    assert (tmp_path / "data" / "suppressed.bin").stat().st_mode & 0o777 == 0o600
