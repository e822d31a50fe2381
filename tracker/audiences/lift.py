"""What an audience brought: those who may be shown advertising against the hold-out, who may not.

By intention to treat: whoever was fit to leave the house counts on the side they were drawn for, from that moment on,
whether or not a network ever showed them anything. That costs power and no honesty. Conversion rates: Pearson's or
Fisher's test, Newcombe's interval. Revenue a person: Welch's test and interval; 0 for who bought nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tracker.analytics import request, rfm, significance
from tracker.analytics.request import Range
from tracker.core.errors import BadRequest
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.filters import Condition, parse_condition
from tracker.store.sql import fill, load
from tracker.store.where import condition

METHODS = {
    "population": "intention to treat, from the moment a member was first fit to leave the house",
    "conversion": "chi-square or Fisher's exact test; Newcombe's hybrid score interval (1998), 95 %",
    "relative": "log interval of the ratio (Katz 1978), 95 %",
    "revenue": "Welch's t-test and interval of the mean of all persons, 95 %",
    "needed": "two-sided 5 %, power 80 %, shares of the arms as they are (Fleiss, Levin, Paik 2003, chapter 4)",
}


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request. `network` "": all together."""

    site: str
    audience: str
    range: Range
    conversion: Condition
    network: str = ""


def parse(body: object) -> Spec:
    """Check `{"site", "audience", "conversion", "from", "to", "network"?}`. Raises BadRequest."""
    given = request.fields(body, ("site", "audience", "conversion", "from", "to", "network"))
    audience, network = given.get("audience"), given.get("network", "")
    if not isinstance(audience, str) or not audience:
        raise BadRequest("audience must be the id of an audience", field="audience")
    if not isinstance(network, str):
        raise BadRequest("network must be the name of a network", field="network")
    return Spec(
        site=request.site(given),
        audience=audience,
        range=request.time_range(given),
        conversion=parse_condition(given.get("conversion") or {"event": "purchase"}, "conversion"),
        network=network,
    )


def run(engine: Engine, spec: Spec, *, served_ms: int = 0) -> dict[str, Any]:
    """`served_ms`: when the network got the audience for the first time; nothing counts before."""
    events = events_source(engine)
    asked = rfm.Spec(site=spec.site, range=spec.range, event=spec.conversion)
    currency, others = rfm.currency_of(engine, asked, events)
    [row] = engine.ask(
        fill(
            load(__package__, "lift"),
            {"events": events, "conversion": condition(spec.conversion)},
            {
                "site": spec.site,
                "audience": spec.audience,
                "from": spec.range.start,
                "to": spec.range.end,
                "served": served_ms,
                "currency": currency,
            },
        )
    ).dicts()
    arms = {arm: _arm(row, arm) for arm in ("exposed", "holdout")}
    return {
        "audience": spec.audience,
        "network": spec.network or None,
        "currency": currency,
        "other_currencies": others,
        "crossed": row["crossed"],
        **arms,
        "conversion": _conversion(row),
        "revenue": _revenue(arms, row["welch"]),
        "methods": METHODS,
    }


def _arm(row: dict[str, Any], arm: str) -> dict[str, Any]:
    persons, converted, revenue = row[arm], row[f"{arm}_converted"], row[f"{arm}_revenue"]
    return {
        "persons": persons,
        "converted": converted,
        "rate": converted / persons if persons else None,
        "conversions": row[f"{arm}_conversions"],
        "revenue": round(revenue, 4),
        "revenue_per_person": revenue / persons if persons else None,
    }


def _conversion(row: dict[str, Any]) -> dict[str, Any]:
    table = (row["exposed_converted"], row["exposed"], row["holdout_converted"], row["holdout"])
    low, high = significance.difference_interval(*table) or (None, None)
    ratio = significance.ratio_interval(*table)
    needed = significance.needed_sizes(*table)
    difference = table[0] / table[1] - table[2] / table[3] if table[1] and table[3] else None
    return {
        "difference": difference,
        "low": low,
        "high": high,
        "relative": difference / (table[2] / table[3]) if difference is not None and table[2] else None,
        "relative_low": ratio[0] - 1 if ratio else None,
        "relative_high": ratio[1] - 1 if ratio else None,
        "p": significance.p_value(*table) if table[1] and table[3] else None,
        "needed": None if needed is None else {"exposed": needed[0], "holdout": needed[1]},
        "incremental": difference * table[1] if difference is not None else None,
    }


def _revenue(arms: dict[str, dict[str, Any]], welch: tuple[float | None, ...]) -> dict[str, Any]:
    exposed, holdout = (arms[arm]["revenue_per_person"] for arm in ("exposed", "holdout"))
    difference = None if exposed is None or holdout is None else exposed - holdout
    p, low, high = (None if one is None or not math.isfinite(one) else one for one in welch[1:4])
    return {
        "difference": difference,
        "low": low,
        "high": high,
        "relative": difference / holdout if difference is not None and holdout else None,
        "p": p,
        "incremental": difference * arms["exposed"]["persons"] if difference is not None else None,
    }
