"""`tracker migrate`: bring the store to the present schema."""

from __future__ import annotations

import typer

from tracker.cli.options import Data, answer, settings


def migrate(data: Data = None) -> None:
    """Apply the schema migrations that are missing; print which. Engines do so by themselves when they start."""
    from tracker.wiring.doors import migrate_store

    answer({"applied": migrate_store(settings(data=data))})


def register(app: typer.Typer) -> None:
    """Add `migrate` to the app."""
    app.command(epilog="Example: tracker migrate --data ./data")(migrate)
