"""Identity conflicts: a visitor id that was seen with users who are not one person, as on a shared computer.

Nothing is merged because of it: what carries a user is theirs, what carries none belongs to the first of them
(`docs/decisions/identity.md`). An `alias` says that two users are one; then there is no conflict any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracker.analytics import request
from tracker.core.period import rfc3339
from tracker.store import persons
from tracker.store.engine import Engine
from tracker.store.sql import fill, load

MOST_USERS = 20
"""Users of one conflict that are listed, those seen first; `users_total` counts all."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request."""

    site: str
    limit: int


def parse(body: object) -> Spec:
    """Check `{"site", "limit"}`. Raises BadRequest."""
    given = request.fields(body, ("site", "limit"))
    return Spec(site=request.site(given), limit=request.whole(given, "limit", 100, (1, 10_000)))


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"total", "conflicts": [{"visitor", "kept", "users": [{"user", "first_seen"}], "users_total"}]}`.

    The latest first. `kept`: whom events of the visitor without a user belong to.
    """
    query = fill(load(__package__, "conflicts"), {"persons": persons.join()}, {"site": spec.site, "limit": spec.limit})
    rows = engine.ask(query).dicts()
    return {
        "total": rows[0]["total"] if rows else 0,
        "conflicts": [
            {
                "visitor": row["visitor"],
                "kept": row["kept"],
                "users": [{"user": user, "first_seen": rfc3339(first)} for user, first in row["users"][:MOST_USERS]],
                "users_total": len(row["users"]),
            }
            for row in rows
        ],
    }
