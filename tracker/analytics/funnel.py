"""How many got as far as each step of a funnel, and how long it took. Definitions: `docs/reports.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from tracker.analytics import funnel_journeys
from tracker.analytics.funnel_attempts import attempts, narrow_will_do
from tracker.analytics.funnel_spec import Funnel, parse
from tracker.analytics.funnel_ties import added
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query
from tracker.store.sql import Fragment, fill, load

__all__ = ["Funnel", "parse", "run"]

MAX_VALUES = 250
"""Most values of a breakdown in one answer; the biggest are kept."""

MAX_TIED = 50_000
"""Most persons with ties who are asked about apart; beyond that everybody's sequence and arrival are read."""

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
    """The rows; over the narrow road where it can be tried, and over the wide one for those with ties."""
    if not narrow_will_do(funnel):
        return engine.ask(query(engine, funnel, events)).dicts()
    rows = engine.ask(query(engine, funnel, events, road="narrow")).dicts()
    tied = [(unit, row["value"]) for row in rows if _ties_tell(funnel, row) for unit in row["tied_units"]]
    if not tied:
        return rows
    if len(tied) > MAX_TIED or any(row["ties"] > len(row["tied_units"]) for row in rows):
        return engine.ask(query(engine, funnel, events)).dicts()
    return added(rows, engine.ask(query(engine, funnel, events, only=tied)).dicts())


def _ties_tell(funnel: Funnel, row: Mapping[str, Any]) -> bool:
    """Whether the units of this row are to be looked at: each once, or where one has several values, once a value."""
    return bool(row["part"]) != _several_values(funnel)


def _several_values(funnel: Funnel) -> bool:
    return funnel.breakdown is not None and funnel.breakdown.touch == "all"


def query(
    engine: Engine,
    funnel: Funnel,
    events: Fragment,
    *,
    road: str | None = None,
    only: Sequence[tuple[int, str]] | None = None,
) -> Query:
    """The whole report as one query, or that of `only` some units, each with its value of the breakdown."""
    steps = range(1, len(funnel.steps) + 1)
    counts = [f"countIf(bitTest(reached, {step - 1}))" for step in steps]
    drops = [f"countIf(bitTest(reached, {step - 1}) and reached < {2**step})" for step in steps[:-1]]
    took = [_took(funnel, step) for step in steps]
    units = None if only is None else sorted({unit for unit, _ in only})
    among, few = Fragment("true"), dict[str, Param]()
    if only is not None and _several_values(funnel):
        few = {"few": [unit for unit, _ in only], "few_values": [value for _, value in only]}
        pairs = "arrayJoin(arrayZip({few:Array(UInt64)}, {few_values:Array(String)})) as one"
        among = Fragment(f"(unit, value) global in (select one.1, one.2 from (select {pairs}))")  # noqa: S608 - our own text
    return fill(
        load(__package__, "funnel"),
        {
            "attempts": attempts(engine, funnel, events, road=road, only=units),
            "among": among,
            "counts": Fragment(f"[{', '.join(counts)}]"),
            "drops": Fragment(f"[{', '.join([*drops, '0'])}]"),
            "sums": Fragment(f"[{', '.join(f'sumIf({span}, {there})' for span, there in took)}]"),
            "medians": Fragment(
                f"[{', '.join(f'quantileExactInclusiveOrNullIf(0.5)({span}, {there})' for span, there in took)}]"
            ),
            **_apart(took, narrow=road == "narrow", few=only is not None),
            "groups": Fragment("grouping sets ((), (value))" if funnel.breakdown else "value"),
            "kind": Fragment("grouping(value)" if funnel.breakdown else "1"),
        },
        {"values": MAX_VALUES + 1 if only is None else len(only) + 1, **few},
        settings=_SETTINGS,
    )


def _apart(took: Sequence[tuple[str, str]], *, narrow: bool, few: bool) -> dict[str, Fragment]:
    """The slots that say who is to be asked about apart, and the waits that `funnel_ties` needs for the medians."""
    waits = [f"groupArrayIf({span}, {there})" for span, there in took]
    firsts = ["toInt64(0)"] * len(took)
    if narrow:  # one place for each person apart, to both sides; sorting is only done where somebody is
        firsts = [f"greatest(toInt64(intDiv(length({wait}), 2)) - toInt64(ties) - 1, 0)" for wait in waits]
        waits = [
            f"if(ties = 0, [], arraySlice(arraySort({wait}), {first} + 1, 2 * ties + 4))"
            for wait, first in zip(waits, firsts, strict=True)
        ]
    return {
        "ties": Fragment("countIf(tied)" if narrow else "0"),
        "tied": Fragment(f"groupArrayIf({MAX_TIED})(unit, tied)" if narrow else "[]"),
        "skipped": Fragment(f"[{', '.join(firsts)}]"),
        "middles": Fragment(f"[{', '.join(waits)}]" if narrow or few else "[]"),
    }


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
