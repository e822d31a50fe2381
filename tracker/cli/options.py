"""Options that several commands share, and how they become Settings."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tracker.config import Settings

Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Data folder (default ./data).")]
Host = Annotated[str | None, typer.Option("--host", metavar="H", help="Address the collector listens on.")]
Port = Annotated[int | None, typer.Option("--port", metavar="P", help="Port of the collector (8080).")]
ApiPort = Annotated[int | None, typer.Option("--api-port", metavar="P", help="Port of the API (8081).")]
DashboardPort = Annotated[
    int | None, typer.Option("--dashboard-port", metavar="P", help="Port of the dashboard (8501).")
]
Dashboard = Annotated[bool | None, typer.Option("--dashboard/--no-dashboard", help="Start the dashboard too.")]
Workers = Annotated[int | None, typer.Option("--workers", metavar="N", help="Collector processes (half of the cores).")]
Spec = Annotated[Path, typer.Argument(metavar="SPEC.json", help="The request's body; - reads stdin.")]
SiteName = Annotated[str, typer.Option("--site", metavar="NAME", help="Name of the site.")]


def settings(**flags: Any) -> Settings:
    """Settings of this call: flags win over environment, file and defaults."""
    return Settings.read(flags)


def say(line: str) -> None:
    """One line for a person, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def answer(value: object, *, indent: int | None = 2) -> None:
    """The answer of a command: JSON on stdout."""
    say(json.dumps(value, indent=indent, ensure_ascii=False))
