"""The attempt that counts for every unit of a funnel, as one subquery with the columns

unit     UInt64, key of the person, visitor or session
value    String, the breakdown's value ('' without a breakdown)
reached  UInt32, a bit a step, the lowest is step 1
at       Array(UInt64), milliseconds since the range's start at each step, anything where it was not reached
         (unordered: at the first, second, ... match)

Four roads lead there. `fill` carries the latest start forward through sorted arrays: ordered and strict funnels,
whatever overlaps. `fold` looks at every start on its own: exclusions and optional steps. `within` looks at chains of
events: steps with a time of their own. `unordered` is the fourth.
"""

from __future__ import annotations

from tracker.analytics.funnel_fold import Fold
from tracker.analytics.funnel_hits import Hits, disjoint, hits, step_code, step_mask
from tracker.analytics.funnel_spec import Funnel
from tracker.analytics.funnel_unordered import kinds_of, takes, upcoming
from tracker.analytics.funnel_within import Within
from tracker.core.errors import BadRequest
from tracker.store import persons
from tracker.store.engine import Engine, Param
from tracker.store.sql import Fragment, fill, load

_MAX_KINDS = 200
_ALL_UP_TO = "toUInt32(bitShiftLeft(toUInt32(1), furthest) - 1)"
_MOMENTS = (
    "arrayMap((p, i) -> bitOr(bitShiftLeft(toUInt64(bitShiftRight(p, {time_shift:UInt16})), 24), i),"
    " sorted, arrayEnumerate(sorted)) as moments"
)


def attempts(
    engine: Engine,
    funnel: Funnel,
    events: Fragment,
    *,
    road: str | None = None,
    chosen: Fragment | None = None,
    owners: Fragment | None = None,
    linked: bool | None = None,
) -> Fragment:
    """The subquery for this funnel; `events` is what to read (`clean.events_source`).

    `owners`: see `hits`, for disjoint steps. `chosen`: a test of the events of the units that are wanted, on any road.
    `linked`: as `persons.linked` says, where it is known. `road` forces a road that could do it too: `overlapping`,
    `fold` and `within` (tests compare them). An unordered funnel whose steps may overlap costs one question to the
    engine here: which overlaps there are. Raises BadRequest where there are more than 200 kinds.

    `narrow`, for an ordered funnel of disjoint steps: in 64 bits, and with one more column, `tied`. Events of one
    millisecond stand in the order of their steps there. That favours every attempt: none that really exists is missed,
    so one that gets along without two steps in the same millisecond is the right one. `tied` says that it needed them:
    then sequence and arrival decide, `reached` is 0, and the unit is to be asked about over another road. It has a
    start in any case, so it will count at step 1.
    """
    if linked is None:
        linked = funnel.count_by == "person" and (owners is not None or persons.linked(engine, funnel.site))
    if funnel.mode == "unordered":
        return _unordered(engine, funnel, events, linked, chosen)
    if road == "within" or funnel.timed:
        return _fold(funnel, events, linked, Within(funnel), chosen)
    needs_fold = bool(funnel.exclude) or any(step.optional for step in funnel.steps)
    if road == "fold" or needs_fold:
        return _fold(funnel, events, linked, Fold(funnel), chosen)
    alone, narrow = disjoint(funnel) and road != "overlapping", road == "narrow"
    if alone:
        served, bits = step_code(funnel), len(funnel.steps).bit_length()
        found = hits(funnel, events, served, bits, narrow=narrow, linked=linked, chosen=chosen, owners=owners)
    else:
        found = _masked(funnel, events, linked, chosen)
    return fill_hits(funnel, found, alone=alone, narrow=narrow)


def _params(funnel: Funnel, found: Hits, shift: int = 24) -> dict[str, Param]:
    return {
        **found.params,
        "limit": (funnel.range.end - funnel.range.start) << shift,
        "window": funnel.window << shift,
    }


def _value(funnel: Funnel) -> Fragment:
    return Fragment("touched" if funnel.breakdown else "''")


def _masked(funnel: Funnel, events: Fragment, linked: bool, chosen: Fragment | None) -> Hits:
    bits = len(funnel.steps) + len(funnel.exclude)
    return hits(funnel, events, step_mask(funnel), bits, linked=linked, chosen=chosen)


def fill_hits(funnel: Funnel, found: Hits, *, alone: bool, narrow: bool, in_order: int | None = None) -> Fragment:
    """The road `fill` for packed events. `alone`: no event can serve two steps, so a small number says which it serves.

    `in_order`: `packed` stands in the order of time, sequence and arrival already, with so many bits for an event's
    place between its time and what it serves (0: where nobody has two events in one millisecond), and nothing is
    grouped. Then nobody is `tied`, and those without a start are there, too, `reached` 0: ClickHouse would take a
    filter down to the reading of the table and compute all that it needs twice.
    """
    count, named = len(funnel.steps), narrow and in_order is None
    moments, shift = "sorted as moments", count.bit_length() + (in_order or 0)
    if not narrow:
        kind, shift = "UInt8" if alone else "UInt64", 24
        moments = f"{_MOMENTS}, arrayMap(p -> to{kind}(bitAnd(p, {found.params['serves_mask']})), sorted) as serves"
    strict = funnel.mode == "strict"
    levels = [_level(funnel, step, alone, shift if narrow else None) for step in range(1, count + 1)]
    last = [f"arrayMax(latest_{step})" if strict else f"latest_{step}[-1]" for step in range(1, count + 1)]
    tests = [f"{last[step - 1]} != 0, {step}" for step in range(count, 0, -1)]
    starts = [f"furthest = {step}, {last[step - 1]}" for step in range(count, 1, -1)]
    # What is not reached is left to `reached`: a branch here costs more than it saves.
    at = [f"bitShiftRight(start, {shift})"]
    at += [f"bitShiftRight(moments[indexOf(latest_{step}, start)], {shift})" for step in range(2, count + 1)]
    query = fill(
        load(__package__, "funnel_fill"),
        {
            "hits": found.query,
            "sorted": Fragment("arraySort(packed)" if in_order is None else "packed"),
            "moments": Fragment(moments),
            "levels": Fragment(", ".join(levels)),
            "tied": Fragment(_tied(count) if named else ""),
            "furthest": Fragment(f"multiIf({', '.join(tests)}, 0)"),
            "start": Fragment(f"multiIf({', '.join(starts)}, {last[0]})"),
            "reached": Fragment(f"if(tied, 0, {_ALL_UP_TO})" if named else _ALL_UP_TO),
            "at": Fragment(f"[{', '.join(at)}]"),
            "value": _value(funnel),
            "chosen": Fragment("furthest > 0" if in_order is None else "true"),
        },
        _params(funnel, found, shift),
    )
    return Fragment(query.text, query.params)


def _tied(count: int) -> str:
    """Whether the attempt needs two steps in one millisecond."""
    pairs = [f"bitAnd(furthest >= {step}, at[{step}] = at[{step - 1}])" for step in range(2, count + 1)]
    return f", ({' + '.join(pairs)}) > 0 as tied"


def _level(funnel: Funnel, step: int, alone: bool, narrow: int | None) -> str:
    """SQL for `latest_<step>`; strict attempts are not carried on: they live from one event to the next.

    `narrow`: moments are the packed numbers, and so many of their bits stand below the time.
    """
    strict, low = funnel.mode == "strict", 2 ** (narrow or 24) - 1
    names, arrays = "m, c", "moments, serves"
    serves = f"c = {step}" if alone else f"bitTest(c, {step - 1})"
    if narrow:
        names, arrays = "m", "moments"
        serves = f"bitAnd(m, {2 ** len(funnel.steps).bit_length() - 1}) = {step}"
    if step == 1:
        found = f"arrayMap(({names}) -> m * bitAnd({serves}, m < {{limit:UInt64}}), {arrays})"
    else:
        before = f"latest_{step - 1}"
        if strict or not alone:  # one event serves one step: look at what stood before this event
            before = f"arrayPopBack(arrayPushFront({before}, 0))"
        reached = f"bitAnd({serves}, m <= bitOr(s, {low}) + {{window:UInt64}})"  # an s of 0 stays 0
        found = f"arrayMap(({names}, s) -> s * {reached}, {arrays}, {before})"
    return f"{found if strict else f'arrayFill(x -> x != 0, {found})'} as latest_{step}"


def _fold(funnel: Funnel, events: Fragment, linked: bool, fold: Fold | Within, chosen: Fragment | None) -> Fragment:
    found = _masked(funnel, events, linked, chosen)
    query = fill(
        load(__package__, "funnel_fold"),
        {
            "hits": found.query,
            "step": fold.step(),
            "init": fold.init(),
            "reached": fold.reached(),
            "at": fold.at(),
            "value": _value(funnel),
        },
        _params(funnel, found),
    )
    return Fragment(query.text, query.params)


def _unordered(engine: Engine, funnel: Funnel, events: Fragment, linked: bool, chosen: Fragment | None) -> Fragment:
    count, found = len(funnel.steps), _masked(funnel, events, linked, chosen)
    kinds = [1 << at for at in range(count)]
    if not disjoint(funnel):
        masks = fill(
            "select groupUniqArray(1000)(toUInt64(bitAnd(p, {serves_mask:UInt64})))"
            " from (/*hits*/) array join packed as p",
            {"hits": found.query},
            found.params,
        )
        kinds = kinds_of(engine.ask(masks).rows[0][0], count) or kinds
        if len(kinds) > _MAX_KINDS:
            raise BadRequest(
                "the steps overlap in too many ways for an unordered funnel; use fewer filters", field="steps"
            )
    query = fill(
        load(__package__, "funnel_unordered"),
        {
            "hits": found.query,
            "upcoming": upcoming(funnel, kinds),
            "takes": takes(funnel, kinds),
            "value": _value(funnel),
        },
        {**_params(funnel, found), "steps": count},
    )
    return Fragment(query.text, query.params)
