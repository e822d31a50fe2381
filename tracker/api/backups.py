"""Backups of the data folder, made by the engine: only it may open the embedded store."""

from __future__ import annotations

from typing import Any

from tracker.api.call import Call, Reply
from tracker.api.services import Backups
from tracker.core.errors import Forbidden, NotFound


def begun(call: Call) -> Reply:
    """`POST /api/v1/backup`."""
    state = _backups(call).begin(call.body.folder)
    call.audit("backup")
    return Reply(state, 202)


def state(call: Call) -> dict[str, Any]:
    """`GET /api/v1/backup`."""
    return _backups(call).state


def _backups(call: Call) -> Backups:
    if call.principal.site is not None:
        raise Forbidden("a backup holds every site: the token must not be of one site")
    if call.services.backups is None:
        raise NotFound("this process makes no backups", code="no_backups")
    return call.services.backups
