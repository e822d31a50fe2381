"""The address of what is being taken back."""

from __future__ import annotations

from tracker.api import answers_recalls, bodies, recalls
from tracker.api.routing import Route

RECALLS: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/recalls",
        role="export",
        handler=recalls.listed,
        tag="Destinations",
        summary="Deleted audiences whose members are being taken back, until everybody is",
        query=bodies.MaybeSite,
        answer=answers_recalls.Recalls,
    ),
)
