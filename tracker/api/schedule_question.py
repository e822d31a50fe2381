"""The question of a scheduled report: what was saved, with the site and the days that its period is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracker.api import reports, segment
from tracker.api.call import Asker
from tracker.catalog.schedules import Definition
from tracker.core import relative
from tracker.core.errors import BadRequest, NotFound
from tracker.core.period import rfc3339
from tracker.core.site import Site
from tracker.store.filters import UnknownKey

REPORTS = {report.name: report for report in reports.REPORTS}
_FIXED = {
    "site": "the schedule names the site",
    "from": "the period says which days",
    "to": "the period says which days",
    "timezone": "days are those of the site's time zone",
}
_PERSONS = ("visitor", "user", "session", "message_id", "click_id")
"""Properties whose every value is one person, or one visit of one."""


@dataclass(frozen=True, kw_only=True)
class Posed:
    """A checked question, and the time (ms) that it is about; `end` is not included."""

    asked: reports.Asked
    start: int
    end: int


def names() -> list[str]:
    """The reports that can be scheduled."""
    return [name for name, report in REPORTS.items() if not report.persons]


def posed(asker: Asker, site: Site, given: Definition, at_ms: int) -> Posed:
    """The question as of a moment, not asked yet. Raises BadRequest (`question.` before the report's own fields)."""
    report = REPORTS.get(given.report)
    if report is None:
        raise BadRequest(f"report must be one of {', '.join(names())}", field="report")
    if report.persons:
        raise BadRequest(
            f"the report {report.name} names persons; only reports of counts and sums can be scheduled",
            code="names_persons",
            field="report",
        )
    _own_fields_only(given.question)
    week_start = "sunday" if given.question.get("week_start") == "sunday" else "monday"
    start, end = relative.resolve(relative.check(given.period), site.timezone, at_ms, week_start=week_start)
    body = _body(asker, site, given, {"site": site.name, "from": rfc3339(start), "to": rfc3339(end)})
    _aggregates_only(body)
    try:
        try:
            asked = reports.checked(asker, report, body)
        except UnknownKey as unknown:
            fixed = _FIXED if unknown.inside in segment.PLACES else ()
            raise unknown.allowing([name for name in unknown.allowed if name not in fixed]) from None
        for people in (asked.some, asked.other):
            if people is not None:
                segment.checked(asker, site, people)
        return Posed(asked=asked, start=start, end=end)
    except BadRequest as refused:
        if refused.field is not None:
            refused.field = f"question.{refused.field}"
        raise


def _own_fields_only(question: Mapping[str, Any]) -> None:
    inner = question.get("funnel")
    for path, part in (("question.", question), ("question.funnel.", inner if isinstance(inner, Mapping) else {})):
        for name, why in _FIXED.items():
            if name in part:
                raise BadRequest(f"leave out {path}{name}: {why}", field=f"{path}{name}")


def _body(asker: Asker, site: Site, given: Definition, span: dict[str, Any]) -> dict[str, Any]:
    """What the report is asked. A funnel's report has the funnel's fields flat, or in `funnel`."""
    body = dict(given.question)
    inner = body.get("funnel")
    if not given.funnel:
        return {**body, "funnel": {**inner, **span}} if isinstance(inner, Mapping) else {**body, **span}
    if given.report.partition("/")[0] != "funnel" or inner is not None:
        raise BadRequest("funnel names a saved funnel for a funnel's report that has none of its own", field="funnel")
    try:
        saved = asker.services.catalog.funnels.get(given.funnel)
    except NotFound:
        saved = None
    if saved is None or saved.site != site.name:
        raise BadRequest("funnel must be the id of a saved funnel of the site", field="funnel")
    if given.report == "funnel":
        return {**saved.funnel, **body, **span}
    return {**body, "funnel": {name: part for name, part in saved.funnel.items() if name != "compare"} | span}


def _aggregates_only(body: Mapping[str, Any]) -> None:
    for part in (body, body.get("funnel")):
        breakdown = part.get("breakdown") if isinstance(part, Mapping) else None
        if isinstance(breakdown, Mapping) and breakdown.get("property") in _PERSONS:
            raise BadRequest(
                "a breakdown by this property lists persons; only reports of counts and sums can be scheduled",
                code="names_persons",
                field="question.breakdown.property",
            )
