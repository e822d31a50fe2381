"""The command line beside an API of this process: what it prints, without what the API logged."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from api_client import ADMIN, Api
from typer.testing import CliRunner

from tracker.cli.app import app


class CommandLine:
    """`tracker WORDS... --data data`, asking this API as its admin."""

    def __init__(self, api: Api, data: Path, monkeypatch: pytest.MonkeyPatch, *first: str) -> None:
        (data / "admin-token").write_text(ADMIN)
        monkeypatch.setenv("TRACKER_API_URL", api.url)
        self._first, self._data = first, data

    async def __call__(self, *words: str) -> tuple[int, Any]:
        """Exit code, and the printed answer or what went wrong."""
        asked = [*self._first, *words, "--data", str(self._data)]
        done = await asyncio.to_thread(CliRunner().invoke, app, asked)
        _, found, said = f"\n{done.stdout}".partition("\n{\n")
        return done.exit_code, json.JSONDecoder().raw_decode("{" + said)[0] if found else done.exception
