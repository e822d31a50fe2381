"""Addresses of conversions."""

from __future__ import annotations

from tracker.api import answers, answers_conversions, answers_exports, bodies, bodies_conversions, conversions
from tracker.api.routing import Route

CONVERSIONS: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/conversions/networks",
        role="viewer",
        handler=conversions.networks,
        tag="Conversions",
        summary="Networks that can be told of conversions, and what they take",
        answer=answers_conversions.ConversionNetworks,
    ),
    Route(
        method="GET",
        path="/api/v1/conversions",
        role="export",
        handler=conversions.listed,
        tag="Conversions",
        summary="Which events networks are told of",
        query=bodies.MaybeSite,
        answer=answers_conversions.ConversionsShown,
    ),
    Route(
        method="POST",
        path="/api/v1/conversions",
        role="export",
        handler=conversions.created,
        tag="Conversions",
        summary="Tell a network of events, again and again",
        body=bodies_conversions.NewConversion,
        round_trip=True,
        answer=answers_conversions.ConversionShown,
        status=201,
    ),
    Route(
        method="GET",
        path="/api/v1/conversions/{id}",
        role="export",
        handler=conversions.one,
        tag="Conversions",
        summary="One of them, and how its last upload went",
        answer=answers_conversions.ConversionShown,
    ),
    Route(
        method="PUT",
        path="/api/v1/conversions/{id}",
        role="export",
        handler=conversions.rescheduled,
        tag="Conversions",
        summary="Send it at another rhythm, or only by hand",
        body=bodies_conversions.ConversionRhythm,
        round_trip=True,
        answer=answers_conversions.ConversionShown,
    ),
    Route(
        method="POST",
        path="/api/v1/conversions/{id}/run",
        role="export",
        handler=conversions.run,
        tag="Conversions",
        summary="Send what is new now, try it, or write it into a file; it is an export",
        body=bodies_conversions.ConversionRun,
        answer=answers_exports.ExportStarted,
        status=202,
    ),
    Route(
        method="DELETE",
        path="/api/v1/conversions/{id}",
        role="export",
        handler=conversions.deleted,
        tag="Conversions",
        summary="Tell the network no more; what it was told stays known",
        answer=answers.Deleted,
    ),
)
