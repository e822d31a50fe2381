"""Reports: the site is checked here, the question is read and answered by its module in `tracker.analytics`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from tracker.api import bodies
from tracker.api.call import Call
from tracker.core.errors import BadRequest


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report: `POST /api/v1/reports/{name}`. Its module is imported when it is first asked."""

    name: str
    module: str
    body: Any
    summary: str
    parse: str = "parse"
    run: str = "run"


REPORTS = (
    Report(
        name="funnel",
        module="tracker.analytics.funnel",
        body=bodies.FunnelBody,
        summary="How many reach each step, how long it takes, where they drop",
    ),
    Report(
        name="funnel/people",
        module="tracker.analytics.funnel_people",
        body=bodies.FunnelPeopleBody,
        summary="Who reached a step, or dropped at it",
    ),
    Report(
        name="overview",
        module="tracker.analytics.overview",
        body=bodies.OverviewBody,
        summary="Totals with the period before, series and top lists",
    ),
    Report(
        name="live",
        module="tracker.analytics.live",
        body=bodies.LiveBody,
        summary="Who is active now, and the latest events",
    ),
    Report(
        name="timeseries",
        module="tracker.analytics.timeseries",
        body=bodies.TimeseriesBody,
        summary="One number an hour, day, week or month",
    ),
)


def handler(report: Report) -> Callable[[Call], dict[str, Any]]:
    """The route's handler for one report."""

    def answer(call: Call) -> dict[str, Any]:
        site_of(call, call.body)
        module = import_module(report.module)
        spec = getattr(module, report.parse)(call.body)
        result: dict[str, Any] = getattr(module, report.run)(call.engine, spec)
        return result

    return answer


def site_of(call: Call, body: dict[str, Any]) -> str:
    """The site a report is about, if the token may see it. Raises BadRequest, NotFound, Forbidden."""
    inner = body.get("funnel")
    field = "funnel.site" if isinstance(inner, dict) else "site"
    name = inner.get("site") if isinstance(inner, dict) else body.get("site")
    if not isinstance(name, str) or not name:
        raise BadRequest(f"{field} must be the name of a site", code="bad_field", field=field)
    return call.site(name).name
