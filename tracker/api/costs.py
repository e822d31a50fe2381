"""Costs of advertising: taking them in, and putting them beside what channels brought."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tracker.analytics import attribution, ltv, predicted_people
from tracker.analytics.request import Range
from tracker.api.call import Call
from tracker.core.costs import NAMES, checked


def put(call: Call) -> dict[str, Any]:
    """`POST /api/v1/costs`: all rows or none; rows about the same day and names are replaced."""
    site = call.site(call.body.site)
    costs = checked(call.body.rows, [f"rows[{at}]" for at in range(len(call.body.rows))])
    changed = call.services.catalog.costs.put(site.name, costs)
    call.audit("costs.put", site=site.name, rows=len(costs), changed=changed)
    return {"site": site.name, "rows": len(costs), "changed": changed}


def beside(call: Call, spec: attribution.Spec, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with `cost`, `cac` and `roas` in its rows, where costs of these days are known."""
    if spec.by not in NAMES:
        return answer
    known = _known(call, spec.site, spec.by, spec.range, spec.timezone)
    return attribution.with_costs(answer, known) if known else answer


def of_buyers(call: Call, spec: ltv.Spec, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with `cost`, `cac` and `ltv_to_cac` in its channels, where costs of these days are known."""
    known = _known(call, spec.site, "channel", spec.range, spec.calendar.timezone)
    return ltv.with_costs(answer, known) if known else answer


def of_predicted(call: Call, spec: predicted_people.Spec, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with `cost`, `cac` and `ltv_to_cac` in its channels, where costs of these days are known."""
    known = _known(call, spec.site, "channel", spec.range, spec.timezone)
    return predicted_people.with_costs(answer, known) if known else answer


def _known(call: Call, site: str, by: str, between: Range, timezone: str) -> dict[str, dict[str, float]]:
    """Currency -> name -> cost of the days that a range touches."""
    zone = ZoneInfo(timezone)
    first, last = (
        datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).date().isoformat()
        for at in (between.start, between.end - 1)
    )
    return call.services.catalog.costs.by(site, by, first, last)
