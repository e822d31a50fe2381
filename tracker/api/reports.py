"""Reports: the site is checked here, the question is read and answered by its module in `tracker.analytics`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec

from tracker.analytics import (
    anomalies,
    attribution,
    funnel_compare,
    funnel_people,
    funnel_reasons,
    funnel_time,
    funnel_trend,
    lifecycle,
    live,
    ltv,
    overview,
    paths,
    predicted,
    predicted_people,
    retention,
    rfm,
    stickiness,
    timeseries,
)
from tracker.api import (
    bodies_funnels,
    bodies_reports,
    buyer_answers,
    costs,
    funnel_answers,
    journey_answers,
    rates,
    segment,
)
from tracker.api import report_answers as answers
from tracker.api.call import Asker, Call
from tracker.core.errors import BadRequest
from tracker.core.site import Site
from tracker.store.engine import Engine


class Question(Protocol):
    """A module of `tracker.analytics`."""

    def parse(self, body: object, /) -> Any:
        """Check the question."""
        ...

    def run(self, engine: Engine, spec: Any, /) -> dict[str, Any]:
        """Answer it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report: `POST /api/v1/reports/{name}`.

    zoned: its calendar is that of the site, unless the request names another `timezone`.
    priced: money is converted to the site's currency, unless the request names another `currency`.
    finish: puts beside the answer what the catalog knows.
    persons: it names persons, one by one.
    """

    name: str
    question: Question
    body: Any
    answer: Any
    summary: str
    zoned: bool = False
    priced: bool = False
    finish: Callable[[Asker, Any, dict[str, Any]], dict[str, Any]] | None = None
    persons: bool = False


REPORTS = (
    Report(
        name="funnel",
        question=funnel_compare,
        body=bodies_funnels.FunnelBody,
        answer=funnel_answers.FunnelReport,
        summary="How many reach each step, how long it takes, where they drop, what that is worth",
        zoned=True,
        priced=True,
    ),
    Report(
        name="funnel/people",
        question=funnel_people,
        body=bodies_funnels.FunnelPeopleBody,
        answer=funnel_answers.FunnelPeople,
        summary="Who reached a step, or dropped at it",
        persons=True,
    ),
    Report(
        name="funnel/trend",
        question=funnel_trend,
        body=bodies_funnels.FunnelTrendBody,
        answer=funnel_answers.FunnelTrend,
        summary="A funnel day by day, week by week or month by month",
        zoned=True,
        priced=True,
    ),
    Report(
        name="funnel/time",
        question=funnel_time,
        body=bodies_funnels.FunnelTimeBody,
        answer=funnel_answers.FunnelTime,
        summary="How long it takes from one step to another, as a histogram",
    ),
    Report(
        name="funnel/reasons",
        question=funnel_reasons,
        body=bodies_funnels.FunnelReasonsBody,
        answer=funnel_answers.FunnelReasons,
        summary="What those who dropped at a step did, met and said, and who they are, beside those who went on",
    ),
    Report(
        name="overview",
        question=overview,
        body=bodies_reports.OverviewBody,
        answer=answers.Overview,
        summary="Totals with the period before, series and top lists",
        zoned=True,
        priced=True,
    ),
    Report(
        name="attribution",
        question=attribution,
        body=bodies_reports.AttributionBody,
        answer=journey_answers.Attribution,
        summary="Which channels, sources or campaigns led to conversions, by one of eight models",
        zoned=True,
        priced=True,
        finish=costs.beside,
    ),
    Report(
        name="live",
        question=live,
        body=bodies_reports.LiveBody,
        answer=answers.Live,
        summary="Who is active now, and the latest events",
        persons=True,
    ),
    Report(
        name="timeseries",
        question=timeseries,
        body=bodies_reports.TimeseriesBody,
        answer=answers.Timeseries,
        summary="One number an hour, day, week or month",
        zoned=True,
        priced=True,
    ),
    Report(
        name="anomalies",
        question=anomalies,
        body=bodies_reports.AnomaliesBody,
        answer=answers.Anomalies,
        summary="Days or hours on which a figure was not what it usually is on that weekday",
        zoned=True,
    ),
    Report(
        name="rfm",
        question=rfm,
        body=bodies_reports.RfmBody,
        answer=buyer_answers.Rfm,
        summary="Buyers by recency, frequency and money, in segments",
        zoned=True,
        priced=True,
    ),
    Report(
        name="ltv",
        question=ltv,
        body=bodies_reports.LtvBody,
        answer=buyer_answers.Ltv,
        summary="What buyers have been worth so far, by month of the first purchase and by channel",
        zoned=True,
        priced=True,
        finish=costs.of_buyers,
    ),
    Report(
        name="ltv/predicted",
        question=predicted,
        body=bodies_reports.LtvPredictedBody,
        answer=buyer_answers.LtvPredicted,
        summary="Who will stay, how often they will buy and for how much, with intervals",
        zoned=True,
        priced=True,
    ),
    Report(
        name="ltv/people",
        question=predicted_people,
        body=bodies_reports.LtvPeopleBody,
        answer=buyer_answers.LtvPeople,
        summary="Predicted LTV and churn of persons, and predicted LTV by channel beside what it cost",
        persons=True,
        zoned=True,
        priced=True,
        finish=costs.of_predicted,
    ),
    Report(
        name="lifecycle",
        question=lifecycle,
        body=bodies_reports.LifecycleBody,
        answer=journey_answers.Lifecycle,
        summary="New, returning, resurrecting and dormant people of each day, week or month",
        zoned=True,
    ),
    Report(
        name="stickiness",
        question=stickiness,
        body=bodies_reports.StickinessBody,
        answer=journey_answers.Stickiness,
        summary="On how many days of a week or month people are active: DAU/WAU, DAU/MAU, WAU/MAU",
        zoned=True,
    ),
    Report(
        name="retention",
        question=retention,
        body=bodies_reports.RetentionBody,
        answer=journey_answers.Retention,
        summary="How many came back in the days, weeks or months after they began",
        zoned=True,
    ),
    Report(
        name="paths",
        question=paths,
        body=bodies_reports.PathsBody,
        answer=journey_answers.Paths,
        summary="Which way people go, from a page or event or to one",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A checked question. `some`: the segment that it is about, `other`: the one it is compared with; None: neither."""

    report: Report
    site: Site
    spec: Any
    some: object
    other: object


def handler(report: Report) -> Callable[[Call], dict[str, Any]]:
    """The route's handler for one report."""
    return lambda call: answer(call, checked(call, report, call.body))


def checked(asker: Asker, report: Report, body: dict[str, Any]) -> Asked:
    """The question, without asking it. Raises BadRequest, NotFound, Forbidden."""
    asked, some = segment.split(body)
    asked, other = segment.split_compared(asked) if report.question is funnel_compare else (asked, None)
    _check_funnel(report, asked)
    site = site_of(asker, asked)
    if report.zoned:
        asked = {"timezone": site.timezone, **asked}
    if report.priced:
        asked = {"currency": site.currency, **asked}
    spec = segment.beside(report.question.parse, asked)
    return Asked(report=report, site=site, spec=spec, some=some, other=other)


def _check_funnel(report: Report, body: dict[str, Any]) -> None:
    """A report that is asked with a `funnel` has an object there; it is looked into for the site."""
    for one in msgspec.structs.fields(report.body):
        looked_for = one.name == "funnel" and (one.required or "funnel" in body)
        if looked_for and not isinstance(body.get("funnel"), dict):
            raise BadRequest("funnel must be a JSON object", code="bad_field", field="funnel")


def answer(asker: Asker, asked: Asked) -> dict[str, Any]:
    """The report. Raises BadRequest, and TryLater where it was stopped at a limit or the store is away."""
    report, site, spec, some = asked.report, asked.site, asked.spec, asked.some
    if report.priced:
        spec = rates.known(asker, spec)
    if asked.other is not None and isinstance(spec, funnel_compare.Spec):
        theirs = segment.engine_of(asker, site, asked.other)
        spec = replace(spec, other=theirs, rest=segment.others_of(theirs) if some is None else None)
    found = report.question.run(segment.engine_of(asker, site, some), spec)
    everybody = some is None  # what was spent was spent on everybody: no part of it is a segment's
    return report.finish(asker, spec, found) if report.finish and everybody else found


def site_of(asker: Asker, body: dict[str, Any]) -> Site:
    """The site a report is about, if the token may see it. Raises BadRequest, NotFound, Forbidden."""
    inner = body.get("funnel")
    field = "funnel.site" if isinstance(inner, dict) else "site"
    name = inner.get("site") if isinstance(inner, dict) else body.get("site")
    if not isinstance(name, str) or not name:
        raise BadRequest(f"{field} must be the name of a site", code="bad_field", field=field)
    return asker.site(name)
