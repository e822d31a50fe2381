"""How many got as far as each step of a funnel, and how long it took. Definitions: `docs/reports.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from tracker.analytics import funnel_journeys, funnel_ordered
from tracker.analytics.funnel_attempts import attempts
from tracker.analytics.funnel_spec import Funnel, parse
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Query
from tracker.store.sql import Fragment, fill, load

__all__ = ["Funnel", "parse", "run"]

MAX_VALUES = 250
"""Most values of a breakdown in one answer; the biggest are kept."""

_SETTINGS: Mapping[str, str | int] = {
    "force_grouping_standard_compatibility": 1,
    "join_algorithm": "hash",  # the map of persons is small: spreading rows over many tables costs more
}


def run(engine: Engine, funnel: Funnel) -> dict[str, Any]:
    """The report in the contract's shape, with the road that it came by: `journeys` or `events`."""
    found = funnel_journeys.rows(engine, funnel, MAX_VALUES + 1)
    if found is not None:
        return _answer(funnel, found, "journeys")
    events = events_source(engine)
    if funnel.breakdown is None or funnel.breakdown.touch != "all":
        rows = _ask(engine, funnel, events)
    else:  # one person may stand under several values: the whole is a question of its own
        rows = _ask(engine, replace(funnel, breakdown=None), events)
        rows += [row for row in _ask(engine, funnel, events) if not row["part"]]
    return _answer(funnel, rows, "events")


def _answer(funnel: Funnel, rows: Sequence[Mapping[str, Any]], road: str) -> dict[str, Any]:
    none = [0] * len(funnel.steps)
    whole = next((row for row in rows if row["part"]), {"counts": none, "drops": none, "sums": none, "medians": none})
    answer: dict[str, Any] = {"steps": _steps(funnel, whole), "road": road}
    if funnel.breakdown is not None:
        parts = [row for row in rows if not row["part"]]
        answer["breakdown"] = [{"value": row["value"], "steps": _steps(funnel, row)} for row in parts]
    return answer


def _ask(engine: Engine, funnel: Funnel, events: Fragment) -> list[dict[str, Any]]:
    """The rows of the whole and each value."""
    if funnel_ordered.suits(funnel):
        return funnel_ordered.rows(engine, funnel, events, MAX_VALUES + 1)
    return engine.ask(query(engine, funnel, events)).dicts()


def query(engine: Engine, funnel: Funnel, events: Fragment, *, road: str | None = None) -> Query:
    """The whole report as one query, for any funnel; `road` as in `funnel_attempts`."""
    steps = range(1, len(funnel.steps) + 1)
    counts = [f"countIf(bitTest(reached, {step - 1}))" for step in steps]
    drops = [f"countIf(bitTest(reached, {step - 1}) and reached < {2**step})" for step in steps[:-1]]
    took = [_took(funnel, step) for step in steps]
    return fill(
        load(__package__, "funnel"),
        {
            "attempts": attempts(engine, funnel, events, road=road),
            "counts": Fragment(f"[{', '.join(counts)}]"),
            "drops": Fragment(f"[{', '.join([*drops, '0'])}]"),
            "sums": Fragment(f"[{', '.join(f'sumIf({span}, {there})' for span, there in took)}]"),
            "medians": Fragment(
                f"[{', '.join(f'quantileExactInclusiveOrNullIf(0.5)({span}, {there})' for span, there in took)}]"
            ),
            "groups": Fragment("grouping sets ((), (value))" if funnel.breakdown else "value"),
            "kind": Fragment("grouping(value)" if funnel.breakdown else "1"),
        },
        {"values": MAX_VALUES + 1},
        settings=_SETTINGS,
    )


def _took(funnel: Funnel, step: int) -> tuple[str, str]:
    """Milliseconds from the step before, and for whom. Unordered: from the (k-1)th match to the k-th."""
    before = step - 1 if funnel.mode == "unordered" else funnel.required_before(step)
    if before == 0:
        return "toInt64(0)", "false"
    return f"toInt64(at[{step}]) - toInt64(at[{before}])", f"bitTest(reached, {step - 1})"


def _steps(funnel: Funnel, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    counts = row["counts"]
    drops = row.get("drops") or [*(one - after for one, after in pairwise(counts)), 0]
    answer = []
    for at, step in enumerate(funnel.steps, 1):
        before = at - 1 if funnel.mode == "unordered" else funnel.required_before(at)
        count, median = counts[at - 1], row["medians"][at - 1]
        timed = funnel.times and before > 0 and count > 0
        answer.append(
            {
                "step": at,
                "name": step.name,
                "event": step.event,
                "count": count,
                "dropped": drops[at - 1],
                "from_previous": _share(count, counts[before - 1] if before else count),
                "from_first": _share(count, counts[0]),
                "seconds_from_previous": {
                    "average": row["sums"][at - 1] / count / 1000 if timed else None,
                    "median": median / 1000 if timed else None,
                },
            }
        )
    return answer


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
