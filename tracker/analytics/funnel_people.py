"""Who reached a step of a funnel, or dropped there.

`dropped` at step k: the attempt that counts got as far as step k and no further. So everybody who entered and did not
finish is dropped at exactly one step; without optional steps that is "reached k and not k+1". Nobody drops at the last.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import msgspec

from tracker.analytics import person_card, request
from tracker.analytics.funnel_attempts import attempts
from tracker.analytics.funnel_spec import Funnel
from tracker.analytics.funnel_spec import parse as parse_funnel
from tracker.core.errors import BadRequest
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.sql import Fragment, fill, load

STATES = ("dropped", "reached")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request. `after` is where the last page ended: (milliseconds at the step, key)."""

    funnel: Funnel
    step: int
    state: str
    limit: int = 100
    after: tuple[int, int] | None = None


def parse(body: object) -> Spec:
    """Check `{"funnel", "step", "state", "limit", "cursor"}`. Raises BadRequest."""
    given = request.fields(body, ("funnel", "step", "state", "limit", "cursor"))
    funnel = parse_funnel(given.get("funnel"), "funnel.")
    return Spec(
        funnel=funnel,
        step=request.whole(given, "step", 1, (1, len(funnel.steps))),
        state=request.choice(given, "state", STATES, "reached"),
        limit=request.whole(given, "limit", 100, (1, 10_000)),
        after=_read_cursor(given.get("cursor")),
    )


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"total", "people": [...], "cursor"}`; the cursor is null on the last page."""
    after = Fragment("true")
    if spec.after is not None:
        text = "(-toInt64(at_ms), unit) > ({after_at:Int64}, {after_unit:UInt64})"
        after = Fragment(text, {"after_at": -spec.after[0], "after_unit": spec.after[1]})
    found = engine.ask(
        fill(
            load(__package__, "funnel_people"),
            {"members": members(engine, spec.funnel, spec.step, spec.state), "after": after},
            {"take": spec.limit + 1},
        )
    )
    total, page = found.rows[0]
    rows = [(-at, unit) for at, unit in page]
    shown = rows[: spec.limit]
    cards = person_card.cards(engine, spec.funnel.site, spec.funnel.count_by, [unit for _, unit in shown])
    cursor = _write_cursor(shown[-1]) if len(rows) > spec.limit else None
    return {"total": total, "people": [cards[unit] for _, unit in shown if unit in cards], "cursor": cursor}


def members(
    engine: Engine,
    funnel: Funnel,
    step: int,
    state: str,
    *,
    events: Fragment | None = None,
    linked: bool | None = None,
) -> Fragment:
    """A subquery with `unit` (a person's key where the funnel counts persons) and `at_ms`, when it reached the step.

    For audiences too: nothing of it passes through Python. `state` is `dropped` or `reached`, steps count from 1.
    `linked`: as `persons.linked` says, where it is known.
    """
    found = attempts(engine, funnel, events or events_source(engine), linked=linked)
    last = step == len(funnel.steps)
    tests = {
        "reached": f"bitTest(reached, {step - 1})",
        "dropped": "false" if last else f"bitTest(reached, {step - 1}) and reached < {2**step}",
    }
    text = f"select unit, toInt64(at[{step}]) + {{from:Int64}} as at_ms from ({found.text}) where {tests[state]}"  # noqa: S608
    return Fragment(text, found.params)


def _write_cursor(row: tuple[int, int]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(row)).decode().rstrip("=")


def _read_cursor(text: object) -> tuple[int, int] | None:
    if text is None:
        return None
    try:
        padded = f"{text}{'=' * (-len(str(text)) % 4)}"
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=tuple[int, int])
    except (binascii.Error, msgspec.DecodeError, ValueError):
        raise BadRequest("cursor must be one that this report gave", field="cursor") from None
