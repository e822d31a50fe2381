"""A funnel, and whether its conversions differ from others by more than chance. Definitions: `docs/reports.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tracker.analytics import funnel, funnel_spec, funnel_worth, request
from tracker.analytics.funnel_spec import Funnel
from tracker.analytics.money import NO_MONEY, Money
from tracker.analytics.request import Range
from tracker.analytics.significance import p_value, q_values
from tracker.core.errors import BadRequest
from tracker.core.period import rfc3339
from tracker.store.engine import Engine
from tracker.store.filters import Condition

COMPARE = ("previous", "breakdown")
COMPARE_SAID = 'compare must be "previous", "breakdown" or {"segment": ...}'
"""A segment is resolved by the API, which knows audiences, and comes here as `Spec.other`."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request. `compare` is one of `COMPARE`, or "" for none.

    `other` is a store that shows the events of a segment to compare with, `rest` one that shows all but theirs: where
    the funnel is everybody's, the segment is compared with the rest. `worth`: the events that carry the money, in the
    currency of `money` at the rates of the days of `timezone`; () asks for none.
    """

    funnel: Funnel
    compare: str = ""
    other: Engine | None = None
    rest: Engine | None = None
    worth: tuple[Condition, ...] = ()
    timezone: str = "UTC"
    money: Money = NO_MONEY

    @property
    def site(self) -> str:
        """Its name."""
        return self.funnel.site

    @property
    def range(self) -> Range:
        """In which purchases of the funnel may lie."""
        return Range(self.funnel.range.start, self.funnel.range.end + self.funnel.window)


def parse(body: object, path: str = "") -> Spec:
    """Check a funnel with `compare` and `worth`. Raises BadRequest that names the field; `path` stands before it."""
    more = ("compare", *funnel_worth.KEYS)
    given = request.fields(body, (*funnel_spec.KEYS, *more), path.rstrip("."))
    asked = funnel_spec.parse({name: value for name, value in given.items() if name not in more}, path)
    return Spec(
        funnel=asked,
        compare=_compare(given, asked, path),
        worth=funnel_worth.parse(given, asked, path),
        timezone=request.timezone(given, path),
        money=Money(request.currency(given)),
    )


def _compare(given: Mapping[str, Any], asked: Funnel, path: str) -> str:
    if given.get("compare") is None:
        return ""
    compare = given["compare"]
    if not isinstance(compare, str) or compare not in COMPARE:
        raise BadRequest(path + COMPARE_SAID, field=f"{path}compare")
    if compare == "breakdown" and asked.breakdown is None:
        raise BadRequest(f"{path}compare: there is no breakdown to compare the values of", field=f"{path}compare")
    if compare == "breakdown" and asked.breakdown is not None and asked.breakdown.touch == "all":
        why = 'with "touch": "all" a person may stand under several values'
        raise BadRequest(f"{path}compare: {why}", field=f"{path}compare")
    return compare


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """The funnel's answer, with `comparison` and `worth` where they were asked for."""
    answer = _compared(engine, spec)
    if not spec.worth:
        return answer
    rows = funnel_worth.of_answer(engine, spec.funnel, spec.worth, spec.timezone, answer)
    money = Money(funnel_worth.main_currency(rows, spec.money.currency), spec.money.rates)
    said = {"currency": money.currency, "unconverted": funnel_worth.unconverted(rows, money)}
    answer = {**funnel_worth.beside(answer, rows, money), "worth": said}
    if "steps" in answer.get("comparison", ()):
        where, other = _other(engine, spec)
        theirs = funnel_worth.of_answer(where, other, spec.worth, spec.timezone, answer["comparison"])
        answer["comparison"] = funnel_worth.beside(answer["comparison"], theirs, money)
    return answer


def _other(engine: Engine, spec: Spec) -> tuple[Engine, Funnel]:
    """Whose steps stand in `comparison`: where to ask for them, and which funnel."""
    plain = replace(spec.funnel, breakdown=None)
    if spec.other is not None:
        return spec.other, plain
    return engine, replace(plain, range=previous(spec.funnel.range))


def _compared(engine: Engine, spec: Spec) -> dict[str, Any]:
    answer = funnel.run(engine, spec.funnel)
    plain = replace(spec.funnel, breakdown=None)
    if spec.other is not None:
        other = funnel.run(*_other(engine, spec))
        against = answer if spec.rest is None else funnel.run(spec.rest, plain)
        rows = _tests(spec.funnel, _counts(other["steps"]), _counts(against["steps"]))
        kind = "segment" if spec.rest is None else "rest"
        return {**answer, "comparison": {"with": kind, "steps": other["steps"], "tests": _corrected(rows)}}
    if spec.compare == "previous":
        before = previous(spec.funnel.range)
        other = funnel.run(*_other(engine, spec))
        rows = _tests(spec.funnel, _counts(answer["steps"]), _counts(other["steps"]))
        period = {"from": rfc3339(before.start), "to": rfc3339(before.end)}
        return {
            **answer,
            "comparison": {"with": "previous", **period, "steps": other["steps"], "tests": _corrected(rows)},
        }
    if spec.compare == "breakdown":
        rows = [
            row
            for part in answer["breakdown"]
            for row in _tests(
                spec.funnel, _counts(part["steps"]), _rest(answer["steps"], part["steps"]), value=part["value"]
            )
        ]
        return {**answer, "comparison": {"with": "rest", "tests": _corrected(rows)}}
    return answer


def previous(between: Range) -> Range:
    """As long a time right before."""
    return Range(2 * between.start - between.end, between.start)


def _counts(steps: Sequence[Mapping[str, Any]]) -> list[int]:
    return [step["count"] for step in steps]


def _rest(whole: Sequence[Mapping[str, Any]], part: Sequence[Mapping[str, Any]]) -> list[int]:
    """Everybody who is not in the part: a unit has the same attempt in both."""
    return [all_of - some for all_of, some in zip(_counts(whole), _counts(part), strict=True)]


def _tests(asked: Funnel, one: Sequence[int], two: Sequence[int], *, value: str | None = None) -> list[dict[str, Any]]:
    """A row for each step behind the first, of those at step 1 and of those at the step before."""
    rows = []
    for step in range(2, len(one) + 1):
        before = step - 1 if asked.mode == "unordered" else asked.required_before(step)
        for base in dict.fromkeys((1, before)):
            sizes = one[base - 1], two[base - 1]
            shares = [
                hit / size if size else None for hit, size in zip((one[step - 1], two[step - 1]), sizes, strict=True)
            ]
            rows.append(
                {
                    **({} if value is None else {"value": value}),
                    "step": step,
                    "of": base,
                    "count": one[step - 1],
                    "size": sizes[0],
                    "share": shares[0],
                    "other_count": two[step - 1],
                    "other_size": sizes[1],
                    "other_share": shares[1],
                    "difference": None if None in shares else shares[0] - shares[1],  # type: ignore[operator]
                    "p_value": p_value(one[step - 1], sizes[0], two[step - 1], sizes[1]),
                }
            )
    return rows


def _corrected(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    corrected = q_values([row["p_value"] for row in rows])
    return [{**row, "q_value": q_value} for row, q_value in zip(rows, corrected, strict=True)]
