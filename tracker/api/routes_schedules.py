"""Addresses of scheduled reports."""

from __future__ import annotations

from tracker.api import answers, bodies, bodies_schedules, schedules
from tracker.api.routing import Route

SCHEDULES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/schedules",
        role="viewer",
        handler=schedules.listed,
        tag="Scheduled reports",
        summary="Scheduled reports of a site, and what a new one can choose from",
        query=bodies.OfSite,
        answer=bodies_schedules.SchedulesShown,
    ),
    Route(
        method="POST",
        path="/api/v1/schedules",
        role="analyst",
        handler=schedules.created,
        tag="Scheduled reports",
        summary="Send a report again and again, by mail or to a webhook",
        body=bodies_schedules.ScheduleBody,
        round_trip=True,
        answer=bodies_schedules.ScheduleShown,
        status=201,
    ),
    Route(
        method="GET",
        path="/api/v1/schedules/{id}",
        role="viewer",
        handler=schedules.one,
        tag="Scheduled reports",
        summary="One scheduled report",
        answer=bodies_schedules.ScheduleShown,
    ),
    Route(
        method="PUT",
        path="/api/v1/schedules/{id}",
        role="analyst",
        handler=schedules.changed,
        tag="Scheduled reports",
        summary="Replace a scheduled report, pause it, go on with it",
        body=bodies_schedules.ScheduleBody,
        round_trip=True,
        answer=bodies_schedules.ScheduleShown,
    ),
    Route(
        method="DELETE",
        path="/api/v1/schedules/{id}",
        role="analyst",
        handler=schedules.deleted,
        tag="Scheduled reports",
        summary="Delete a scheduled report and its runs",
        answer=answers.Deleted,
    ),
    Route(
        method="POST",
        path="/api/v1/schedules/{id}/run",
        role="analyst",
        handler=schedules.asked,
        tag="Scheduled reports",
        summary="Make and send it now, beside its rhythm",
        answer=bodies_schedules.ReportRun,
        status=202,
    ),
    Route(
        method="GET",
        path="/api/v1/schedules/{id}/runs",
        role="viewer",
        handler=schedules.runs,
        tag="Scheduled reports",
        summary="How its runs ended, the newest first",
        query=bodies_schedules.RunsOf,
        answer=bodies_schedules.ReportRuns,
    ),
)
