"""A funnel's events, packed into sortable numbers: what every road of the funnel starts from.

A packed number is the event's moment (`moments`) and, in its lowest bits, what the event can serve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracker.analytics import moments
from tracker.analytics.funnel_spec import Funnel
from tracker.store import persons
from tracker.store.engine import Param
from tracker.store.filters import Condition
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import Params, any_of_sql, condition_sql, counted, property_text

UNITS = {
    "person": persons.PERSON,
    "visitor": "xxHash64(concat('v:', visitor))",
    "session": persons.SESSION,
}
"""64-bit key of what is counted. An event without a visitor (or a session) is nobody's there."""

NOBODY = {"person": "", "visitor": " and visitor != ''", "session": " and session != ''"}


@dataclass(frozen=True)
class Hits:
    """The subquery and how to read its packed numbers."""

    query: Fragment
    params: dict[str, Param]


def hits(
    funnel: Funnel,
    events: Fragment,
    serves: Fragment,
    serves_bits: int,
    *,
    narrow: bool = False,
    only: Sequence[int] | None = None,
    linked: bool = True,
    chosen: Fragment | None = None,
    owners: Fragment | None = None,
) -> Hits:
    """Pack the relevant events; `serves` is an integer expression of `serves_bits` bits on what one can serve.

    `narrow` leaves sequence and arrival out: 64 bits instead of 128, exact while no unit has two events that serve
    different steps in the same millisecond. `only`: of these units, the others are not looked at. Where no key is
    `linked` to another person, events are not joined with the map of persons. `chosen` holds for the events of the
    units that are looked at. `owners`: a join as `persons.join`, where there is a quicker one.
    """
    if funnel.from_entries:
        events = Fragment(fill(load(__package__, "funnel_entry"), {"events": events}).text, events.params)
    time_shift = moments.shift(serves_bits, narrow=narrow)
    packed = f"{_moment(funnel, serves_bits, narrow=narrow)} + ({serves.text})"
    wanted = relevant(funnel)
    extra, also, params = "", "", Params("b")
    by_person = linked and funnel.count_by == "person"
    unit, nobody = UNITS[funnel.count_by], NOBODY[funnel.count_by]
    if funnel.count_by == "person" and not linked:
        unit = "key"
    if funnel.count_by == "visitor" and events.text == "events":
        events, unit, nobody = Fragment(load(__package__, "funnel_visitors")), "who", ""
    if funnel.breakdown is not None:
        text = property_text(funnel.breakdown.property, params)
        if funnel.breakdown.touch == "all":
            extra, also = f", {text} as touched", ", touched"
        else:
            pick = "argMinIf" if funnel.breakdown.touch == "first" else "argMaxIf"
            step = any_of_sql([one for each in funnel.steps for one in each.any_of], params)
            extra = f", {pick}({text}, {_moment(funnel, 0)}, ({step}) and {text} != '') as touched"
    query = fill(
        load(__package__, "funnel_hits"),
        {
            "unit": Fragment(unit),
            "extra": Fragment(extra, params.values),
            "packed": Fragment(packed, serves.params),
            "events": events,
            "persons": (owners or persons.join(None if only is None else persons.keys_of("only")))
            if by_person
            else Fragment(""),
            "counted": counted([*(one for step in funnel.steps for one in step.any_of)]),
            "relevant": Fragment(f"{wanted.text}){nobody} and (true", wanted.params),
            "chosen": chosen or _chosen(funnel, unit, only),
            "also": Fragment(also),
        },
        {"site": funnel.site, "from": funnel.range.start, "until": funnel.range.end - 1 + funnel.window},
    )
    return Hits(Fragment(query.text, query.params), {"time_shift": time_shift, "serves_mask": 2**serves_bits - 1})


def _chosen(funnel: Funnel, unit: str, only: Sequence[int] | None) -> Fragment:
    """Holds for the events of these units; those of persons are found by the table's order, by their keys."""
    if only is None:
        return Fragment("true")
    if funnel.count_by == "person":
        return Fragment(f"key global in {persons.keys_of('only').text}", {"only": list(only)})
    text = f"{unit} in {{only:Array(UInt64)}}"
    # An event without a user is stored by its visitor: no need to look at its text.
    if funnel.count_by == "visitor" and unit != "who":
        text = f"(key in {{only:Array(UInt64)}} or user != '') and {text}"
    return Fragment(text, {"only": list(only)})


def _moment(funnel: Funnel, low_bits: int, *, narrow: bool = False) -> str:
    span = funnel.range.end - funnel.range.start + funnel.window
    return moments.packed(moments.width(span, low_bits, narrow=narrow), low_bits, narrow=narrow)


def conditions(funnel: Funnel) -> list[Condition]:
    """Every condition of every step and exclusion."""
    steps = [one for step in funnel.steps for one in step.any_of]
    return steps + [one.condition for one in funnel.exclude]


def disjoint(funnel: Funnel) -> bool:
    """Whether no event can ever serve two steps: every step has event names of its own."""
    names = [{one.event for one in step.any_of} for step in funnel.steps]
    return "*" not in set().union(*names) and sum(map(len, names)) == len(set().union(*names))


def step_code(funnel: Funnel) -> Fragment:
    """The number of the one step that a relevant event serves, 0 for none. Only for disjoint steps."""
    params = Params("s")
    tests = [any_of_sql(step.any_of, params) for step in funnel.steps]
    if funnel.mode == "strict":
        pairs = ", ".join(f"{test}, {at}" for at, test in enumerate(tests, 1))
        return Fragment(f"multiIf({pairs}, 0)", params.values)
    params = Params("s")  # whatever is relevant and serves no other step serves the last one: names tell them apart
    names = [params.put(sorted({one.event for one in step.any_of}), "Array(String)") for step in funnel.steps[:-1]]
    pairs = ", ".join(f"event in {name}, {at}" for at, name in enumerate(names, 1))
    return Fragment(f"multiIf({pairs}, {len(funnel.steps)})", params.values)


def step_mask(funnel: Funnel) -> Fragment:
    """A bit a step (lowest first) that a relevant event can serve; exclusions follow, a bit each."""
    params = Params("s")
    groups = [step.any_of for step in funnel.steps] + [(one.condition,) for one in funnel.exclude]
    bits = [
        f"bitShiftLeft(toUInt64({' or '.join(f'({condition_sql(one, params)})' for one in group)}), {at})"
        for at, group in enumerate(groups)
    ]
    return Fragment(" + ".join(bits), params.values)


def relevant(funnel: Funnel) -> Fragment:
    """Holds for events that can serve a step or exclude; in strict mode also for all that can get in between.

    Bookkeeping (identify, alias, group, consent calls) gets in nobody's way unless a step or an exclusion asks for it.
    """
    params = Params("r")
    text = any_of_sql(conditions(funnel), params)
    if funnel.mode == "strict":
        text = f"type not in ('identify', 'alias', 'group', 'consent') or {text}"
    return Fragment(text, params.values)
