"""`tracker doctor`: is this installation well?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tracker.cli.options import Data, answer, say, settings


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    data: Data = None,
) -> int:
    """Check this installation and say what to do about what is not well. Exit code 1 if something fails."""
    from tracker.wiring.doctor import FAIL, examine

    findings = examine(settings(data=data))
    if as_json:
        answer([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            say(f"{finding.state:<5} {finding.check:<18} {finding.says}")
    return 1 if any(finding.state == FAIL for finding in findings) else 0


def register(app: typer.Typer) -> None:
    """Add `doctor` to the app."""
    app.command(epilog="Example: tracker doctor --data ./data")(doctor)
