"""Costs of advertising: taking them in, and putting them beside what channels brought."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tracker.analytics import attribution, ltv, predicted_people
from tracker.analytics.money import Money
from tracker.api.call import Asker, Call
from tracker.core.costs import NAMES, checked

_Spec = attribution.Spec | ltv.Spec | predicted_people.Spec


def put(call: Call) -> dict[str, Any]:
    """`POST /api/v1/costs`: all rows or none; rows about the same day and names are replaced."""
    site = call.site(call.body.site)
    costs = checked(call.body.rows, [f"rows[{at}]" for at in range(len(call.body.rows))])
    changed = call.services.catalog.costs.put(site.name, costs)
    call.audit("costs.put", site=site.name, rows=len(costs), changed=changed)
    return {"site": site.name, "rows": len(costs), "changed": changed}


def beside(asker: Asker, spec: attribution.Spec, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with `cost`, `cac` and `roas` in its rows, where costs of these days are known."""
    if spec.by not in NAMES:
        return answer
    known = _known(asker, spec, spec.by, _money(spec, answer))
    return attribution.with_costs(answer, known) if known else answer


def of_buyers(asker: Asker, spec: ltv.Spec, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with `cost`, `cac` and `ltv_to_cac` in its channels, where costs of these days are known."""
    known = _known(asker, spec, "channel", _money(spec, answer))
    return ltv.with_costs(answer, known) if known else answer


def of_predicted(asker: Asker, spec: predicted_people.Spec, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with `cost`, `cac` and `ltv_to_cac` in its channels, where costs of these days are known."""
    known = _known(asker, spec, "channel", _money(spec, answer))
    return predicted_people.with_costs(answer, known) if known else answer


def _money(spec: _Spec, answer: dict[str, Any]) -> Money:
    """The currency that the answer is in, also where it is that of most purchases."""
    return Money(answer.get("currency", ""), spec.money.rates)


def _known(asker: Asker, spec: _Spec, by: str, money: Money) -> dict[str, dict[str, float]]:
    """Currency -> name -> cost of the days that the range touches; what can be converted is in that of the report."""
    zone, between = ZoneInfo(spec.timezone), spec.range
    first, last = (
        datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).date().isoformat()
        for at in (between.start, between.end - 1)
    )
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for day, currency, name, cost in asker.services.catalog.costs.by(spec.site, by, first, last):
        rate = money.rate(currency, day) if money.currency else None
        found[currency if rate is None else money.currency][name] += cost * (1.0 if rate is None else rate)
    return {currency: dict(names) for currency, names in found.items()}
