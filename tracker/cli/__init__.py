"""The `tracker` command. Exit codes: 0 done, 1 failed, 2 wrong usage. An error is one line on stderr.

Commands import what they run inside their bodies, so that `tracker --help` and the collector start quickly.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import typer

from tracker.core.errors import TrackerError
from tracker.core.uncollected import uncollected

# typer brings click along under its own name in some versions and as a package in others; the base of its errors is
# the same class in both.
_CliError: type[Exception] = typer.BadParameter.__mro__[2]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    sys.exit(_run([word for word in words if word != "--debug"], debug=debug))


def _run(words: list[str], *, debug: bool) -> int:
    with uncollected():
        from tracker.cli.app import app

    try:
        result = typer.main.get_command(app).main(args=words, prog_name="tracker", standalone_mode=False)
    except Exception as error:
        if debug:
            traceback.print_exc()
        return _explain(error)
    except KeyboardInterrupt:
        return _fail("interrupted", 1)
    return result if isinstance(result, int) else 0


def _explain(error: Exception) -> int:
    """One line on stderr, and the exit code."""
    if isinstance(error, _CliError):
        format_message = getattr(error, "format_message", lambda: str(error))
        return _fail(f"{format_message()} (tracker --help shows the commands)", getattr(error, "exit_code", 2))
    if isinstance(error, typer.Abort):
        return _fail("interrupted", 1)
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains while it ends
        return 1
    if isinstance(error, TrackerError):
        return _fail(error.message, 2 if error.code == "bad_setting" else 1)
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return _fail(f"{error.strerror or error}{where}", 1)
    return _fail(f"unexpected {type(error).__name__}: {error} (--debug shows where)", 1)


def _fail(message: str, code: int) -> int:
    line = " ".join(message.split())
    sys.stderr.write(f"tracker: {line}\n")
    return code
