"""Addresses about consent and suppression."""

from __future__ import annotations

from tracker.api import answers, bodies, privacy
from tracker.api.routing import Route

PRIVACY: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/suppressions",
        role="admin",
        handler=privacy.listed,
        tag="Privacy",
        summary="Who is to be left alone: keyed hashes and reasons, the newest first",
        query=bodies.ListOfMaybeSite,
        answer=answers.Suppressions,
    ),
    Route(
        method="POST",
        path="/api/v1/suppressions",
        role="admin",
        handler=privacy.added,
        tag="Privacy",
        summary="Leave a person alone from now on",
        body=bodies.NewSuppression,
        answer=answers.SuppressionMade,
        status=201,
        slow=True,
    ),
    Route(
        method="POST",
        path="/api/v1/suppressions/import",
        role="admin",
        handler=privacy.imported,
        tag="Privacy",
        summary="Leave many people alone; a dry run unless told otherwise",
        body=bodies.SuppressionImport,
        answer=answers.SuppressionsImported,
        slow=True,
    ),
    Route(
        method="GET",
        path="/api/v1/people/{id}/consents",
        role="analyst",
        handler=privacy.consents,
        tag="Privacy",
        summary="What a person agreed to, and when",
        query=bodies.OfSite,
        answer=answers.ConsentsOf,
        slow=True,
    ),
)
