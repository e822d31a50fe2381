"""Addresses of reports, saved funnels and people."""

from __future__ import annotations

from tracker.api import (
    alerts,
    answers,
    answers_audiences,
    answers_people,
    answers_told,
    bodies,
    bodies_reports,
    buyer_answers,
    costs,
    explain,
    funnels,
    lift,
    people,
    person_history,
    rates,
    report_answers,
    reports,
)
from tracker.api import annotations as notes
from tracker.api.routing import Route

REPORTS: tuple[Route, ...] = tuple(
    Route(
        method="POST",
        path=f"/api/v1/reports/{report.name}",
        role="viewer",
        handler=reports.handler(report),
        tag="Reports",
        summary=report.summary,
        body=report.body,
        open_body=True,
        answer=report.answer,
        report=report.name,
        slow=True,
    )
    for report in reports.REPORTS
)


LIFT: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/api/v1/reports/lift",
        role="viewer",
        handler=lift.answer,
        tag="Reports",
        summary="What an audience brought: exposed members against the hold-out",
        body=bodies_reports.LiftBody,
        open_body=True,
        answer=buyer_answers.Lift,
        slow=True,
    ),
)


COSTS: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/api/v1/costs",
        role="analyst",
        handler=costs.put,
        tag="Reports",
        summary="Take in what advertising cost, by day and channel, source or campaign",
        body=bodies.CostsBody,
        answer=answers.CostsPut,
    ),
    Route(
        method="POST",
        path="/api/v1/rates",
        role="analyst",
        handler=rates.put,
        tag="Reports",
        summary="Take in exchange rates, by day and currency",
        body=bodies.RatesBody,
        answer=answers.RatesPut,
    ),
)


FUNNELS: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/funnels",
        role="viewer",
        handler=funnels.listed,
        tag="Saved funnels",
        summary="Saved funnels",
        query=bodies.MaybeSite,
        answer=answers_told.SavedFunnels,
    ),
    Route(
        method="POST",
        path="/api/v1/funnels",
        role="analyst",
        handler=funnels.created,
        tag="Saved funnels",
        summary="Save a funnel",
        body=bodies.SavedFunnelBody,
        round_trip=True,
        answer=answers_told.SavedFunnel,
        status=201,
    ),
    Route(
        method="GET",
        path="/api/v1/funnels/{id}",
        role="viewer",
        handler=funnels.one,
        tag="Saved funnels",
        summary="One saved funnel",
        answer=answers_told.SavedFunnel,
    ),
    Route(
        method="PUT",
        path="/api/v1/funnels/{id}",
        role="analyst",
        handler=funnels.changed,
        tag="Saved funnels",
        summary="Replace a saved funnel",
        body=bodies.SavedFunnelBody,
        round_trip=True,
        answer=answers_told.SavedFunnel,
    ),
    Route(
        method="DELETE",
        path="/api/v1/funnels/{id}",
        role="analyst",
        handler=funnels.deleted,
        tag="Saved funnels",
        summary="Delete a saved funnel",
        answer=answers.Deleted,
    ),
)


ANNOTATIONS: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/annotations",
        role="viewer",
        handler=notes.listed,
        tag="Annotations",
        summary="Notes on days, for charts",
        query=bodies.AnnotationsOf,
        answer=answers_told.Annotations,
    ),
    Route(
        method="POST",
        path="/api/v1/annotations",
        role="analyst",
        handler=notes.created,
        tag="Annotations",
        summary="Note what happened on a day",
        body=bodies.AnnotationBody,
        round_trip=True,
        answer=answers_told.Annotation,
        status=201,
    ),
    Route(
        method="DELETE",
        path="/api/v1/annotations/{id}",
        role="analyst",
        handler=notes.deleted,
        tag="Annotations",
        summary="Delete a note",
        answer=answers.Deleted,
    ),
)


ALERTS: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/alerts",
        role="viewer",
        handler=alerts.listed,
        tag="Alerts",
        summary="Alerts of a site",
        query=bodies.OfSite,
        answer=answers_told.Alerts,
    ),
    Route(
        method="POST",
        path="/api/v1/alerts",
        role="analyst",
        handler=alerts.created,
        tag="Alerts",
        summary="Watch a figure",
        body=bodies.AlertBody,
        round_trip=True,
        answer=answers_told.Alert,
        status=201,
    ),
    Route(
        method="PUT",
        path="/api/v1/alerts/{id}",
        role="analyst",
        handler=alerts.changed,
        tag="Alerts",
        summary="Change an alert",
        body=bodies.AlertBody,
        round_trip=True,
        answer=answers_told.Alert,
    ),
    Route(
        method="DELETE",
        path="/api/v1/alerts/{id}",
        role="analyst",
        handler=alerts.deleted,
        tag="Alerts",
        summary="Delete an alert and its firings",
        answer=answers.Deleted,
    ),
    Route(
        method="GET",
        path="/api/v1/firings",
        role="viewer",
        handler=alerts.firings,
        tag="Alerts",
        summary="What fired, the newest first",
        query=bodies.ListOfSite,
        answer=answers_told.Firings,
    ),
)


PEOPLE: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/people",
        role="viewer",
        handler=people.found,
        tag="People",
        summary="Find people",
        query=bodies.FindPeople,
        answer=answers_people.People,
        slow=True,
    ),
    Route(
        method="GET",
        path="/api/v1/people/{id}/audiences",
        role="viewer",
        handler=explain.answer,
        tag="People",
        summary="Why a person is in each audience or not, and why they are not exported",
        query=bodies.OfSite,
        answer=answers_audiences.PersonAudiences,
        slow=True,
    ),
    Route(
        method="GET",
        path="/api/v1/people/{id}/history",
        role="viewer",
        handler=person_history.answer,
        tag="People",
        summary="What happened to a person beside their events: consent, audiences, exports, lists, coupons",
        query=bodies.OfSite,
        answer=answers_people.PersonHistory,
        slow=True,
    ),
    Route(
        method="GET",
        path="/api/v1/people/{id}/timeline",
        role="viewer",
        handler=people.timeline,
        tag="People",
        summary="What a person did",
        query=bodies.TimelineOf,
        answer=answers_people.Timeline,
        slow=True,
    ),
    Route(
        method="GET",
        path="/api/v1/identity/conflicts",
        role="viewer",
        handler=people.in_conflict,
        tag="People",
        summary="Visitor ids that were seen with several persons: listed, never merged",
        query=bodies.ListOfSite,
        answer=answers_people.Conflicts,
        slow=True,
    ),
    Route(
        method="GET",
        path="/api/v1/events/names",
        role="viewer",
        handler=people.event_names,
        tag="People",
        summary="Event names with counts",
        query=bodies.OfSite,
        answer=report_answers.EventNames,
        slow=True,
    ),
    Route(
        method="GET",
        path="/api/v1/properties",
        role="viewer",
        handler=people.properties,
        tag="People",
        summary="Properties to filter by, with frequent values",
        query=bodies.EventsOfSite,
        answer=report_answers.Properties,
        slow=True,
    ),
)
