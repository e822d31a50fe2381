"""Addresses about backups."""

from __future__ import annotations

from tracker.api import answers, backups, bodies
from tracker.api.routing import Route

BACKUPS: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/api/v1/backup",
        role="admin",
        handler=backups.begun,
        tag="Backups",
        summary="Begin a backup of everything into a folder of the engine's machine",
        body=bodies.BackupBody,
        answer=answers.BackupState,
        status=202,
    ),
    Route(
        method="GET",
        path="/api/v1/backup",
        role="admin",
        handler=backups.state,
        tag="Backups",
        summary="How far the latest backup is",
        answer=answers.BackupState,
    ),
)
