"""Addresses about messages of forms and partners of ID matching."""

from __future__ import annotations

from tracker.api import answers_exports, bodies, gate
from tracker.api.routing import Route

GATE: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/messages",
        role="admin",
        handler=gate.messages,
        tag="Forms",
        summary="What people wrote into a site's forms in order to be answered, the newest first",
        query=bodies.MessagesOf,
        answer=answers_exports.Messages,
    ),
    Route(
        method="GET",
        path="/api/v1/partners",
        role="viewer",
        handler=gate.rates,
        tag="Partners",
        summary="How many visitors each partner's ids match",
        query=bodies.OfSite,
        answer=answers_exports.MatchRates,
        slow=True,
    ),
)
