"""What `tracker cost import` and `tracker rate import` share: a file is read whole, and its rows are sent in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from tracker.cli.options import answer, settings


def text_of(file: Path) -> str:
    """The file as text. Raises BadParameter where there is none or it is not UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise typer.BadParameter(f"no such file: {file}") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not UTF-8") from None


def send(data: Path | None, path: str, body: dict[str, Any], rows: Sequence[dict[str, Any]], at_once: int) -> None:
    """Post rows, `at_once` a request, beside what is in `body`; print how many there were and how many are new."""
    from tracker.cli.remote import connect

    total = {"rows": 0, "changed": 0}
    with connect(settings(data=data)) as api:
        for start in range(0, len(rows), at_once):
            done = api.call("POST", path, {**body, "rows": rows[start : start + at_once]})
            total = {name: total[name] + done[name] for name in total}
    answer({name: body[name] for name in ("site", "base") if name in body} | total, indent=None)
