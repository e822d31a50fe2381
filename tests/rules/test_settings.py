"""Settings and their page say the same."""

from __future__ import annotations

import gzip
import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

from tracker.config import PREFIX, Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "settings.md").read_text()
CELLS = [
    [cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| `TRACKER_")
]
ROWS = {name.strip("`"): (flags, default) for name, flags, default, _meaning in CELLS}


def test_every_setting_has_a_row_and_every_row_is_a_setting() -> None:
    assert set(ROWS) == {PREFIX + field.name.upper() for field in fields(Settings)}


def test_the_defaults_on_the_page_are_the_real_ones() -> None:
    for field in fields(Settings):
        shown = ROWS[PREFIX + field.name.upper()][1].strip("`")
        default = Settings.__dataclass_fields__[field.name].default
        if isinstance(default, bool):
            assert shown == str(int(default))
        elif isinstance(default, int | float):
            assert float(shown) == default, field.name
        else:
            assert shown.removeprefix("./") == str(default), field.name


def test_every_flag_on_the_page_is_an_option_of_up_or_demo() -> None:
    import typer

    from tracker.cli.app import app

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    known = {
        option
        for name in ("up", "demo")
        for parameter in commands[name].params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    shown = {flag for flags, _ in ROWS.values() for flag in re.findall(r"--[a-z-]+", flags)}
    assert shown <= known
    assert known - shown <= {"--help"}


def test_every_setting_of_the_pixel_is_documented() -> None:
    from tracker.core.pixel import Capture, Manager, Partner, PixelSettings

    page = (ROOT / "docs" / "pixel.md").read_text()
    names = [*PixelSettings.__struct_fields__, *get_args(Capture)]
    assert [name for name in names if f"| `{name}` |" not in page] == []
    assert [name for name in (*Partner.__struct_fields__, *get_args(Manager)) if f'"{name}"' not in page] == []


def test_every_module_is_documented_with_its_size() -> None:
    page = (ROOT / "docs" / "pixel.md").read_text()
    for path in (ROOT / "tracker" / "pixel" / "built").glob("*.js"):
        size = len(gzip.compress(path.read_bytes(), 9)) / 1000
        if path.name != "p.js":
            name = re.sub(r"-[a-z]{2}$", "-LANGUAGE", path.stem)
            said = re.search(rf"\| `{name}` \| (?:(\d+\.\d) to )?(\d+\.\d) kB \|", page)
            assert said is not None, path.name
            least, most = float(said[1] or said[2]), float(said[2])
            # compressors differ by some bytes from machine to machine
            assert least - 0.15 <= size <= most + 0.15, path.name
