"""How well ids match with a site's partners: the newest match of each visitor, as long as it counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.sql import fill, load

_DAY_MS = 86_400_000


def run(engine: Engine, site: str, days: Mapping[str, int], now_ms: int) -> list[dict[str, Any]]:
    """`[{"partner", "days", "visitors", "matched", "shared", "rate"}]`, by name. `days`: how long a match counts.

    visitors  seen in these days with a mode that lets ids leave the house
    matched   of whom the partner's id is known; `shared`: of whom the partner has ours
    rate      matched of visitors, 0 to 1; None without visitors
    """
    query = load(__package__, "match_rates")
    found = []
    for partner, length in sorted(days.items()):
        since = now_ms - length * _DAY_MS
        params: dict[str, str | int] = {"site": site, "partner": partner, "since": since, "until": now_ms}
        [(visitors, matched, shared)] = engine.ask(fill(query, {"events": events_source(engine)}, params)).rows
        rate = matched / visitors if visitors else None
        counts = {"visitors": visitors, "matched": matched, "shared": shared}
        found.append({"partner": partner, "days": length, **counts, "rate": rate})
    return found
