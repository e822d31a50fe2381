"""Addresses of special categories."""

from __future__ import annotations

from tracker.api import bodies, bodies_sensitive, sensitive
from tracker.api.routing import Route

SENSITIVE: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/sensitive",
        role="viewer",
        handler=sensitive.listed,
        tag="Privacy",
        summary="Audiences and conversions about special categories, which stay in the house by default",
        query=bodies.OfSite,
        answer=bodies_sensitive.SensitiveList,
    ),
    Route(
        method="PUT",
        path="/api/v1/sensitive/{id}",
        role="admin",
        handler=sensitive.declared,
        tag="Privacy",
        summary="Declare the ground on which one of them may leave the house",
        body=bodies_sensitive.Ground,
        round_trip=True,
        answer=bodies_sensitive.SensitiveShown,
    ),
    Route(
        method="DELETE",
        path="/api/v1/sensitive/{id}",
        role="admin",
        handler=sensitive.withdrawn,
        tag="Privacy",
        summary="Withdraw that declaration",
        answer=bodies_sensitive.SensitiveShown,
    ),
)
