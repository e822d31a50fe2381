"""Addresses about consent and suppression."""

from __future__ import annotations

from tracker.api import answers, bodies, erasures, person_export, privacy
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
    Route(
        method="DELETE",
        path="/api/v1/people/{id}",
        role="admin",
        handler=erasures.erased,
        tag="Privacy",
        summary="Erase a person: events, identity, identifiers, files made for download; nothing new is collected",
        query=bodies.PersonOf,
        answer=answers.Erasure,
        slow=True,
    ),
    Route(
        method="GET",
        path="/api/v1/erasures",
        role="admin",
        handler=erasures.listed,
        tag="Privacy",
        summary="Erasures, the newest first; nobody is named",
        query=bodies.ListOfMaybeSite,
        answer=answers.Erasures,
    ),
    Route(
        method="GET",
        path="/api/v1/people/{id}/export",
        role="admin",
        handler=person_export.exported,
        tag="Privacy",
        summary="All that is kept on a person, as JSON",
        query=bodies.PersonOf,
        slow=True,
    ),
)
