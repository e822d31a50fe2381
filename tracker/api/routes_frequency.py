"""Addresses of the cap on contacts."""

from __future__ import annotations

from tracker.api import bodies_frequency, frequency
from tracker.api.routing import Route

FREQUENCY: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/sites/{name}/frequency",
        role="viewer",
        handler=frequency.shown,
        tag="Outreach",
        summary="How often a person may be contacted",
        answer=bodies_frequency.FrequencyShown,
    ),
    Route(
        method="PUT",
        path="/api/v1/sites/{name}/frequency",
        role="admin",
        handler=frequency.changed,
        tag="Outreach",
        summary="Cap how often a person is contacted, over all audiences and channels",
        body=bodies_frequency.FrequencyBody,
        answer=bodies_frequency.FrequencyShown,
    ),
)
