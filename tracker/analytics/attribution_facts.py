"""All that attribution has to know of the paths, asked for and added up.

The quick road leaves out whom it cannot tell the paths of; they are asked about apart and both answers add up. With
many of those, or with more keys than have codes, everybody is asked about with wide numbers (`attribution_query.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tracker.analytics import attribution_query
from tracker.analytics.attribution_keys import Coded, all_coded, coded
from tracker.analytics.attribution_models import CONVERSION, NOTHING, START
from tracker.analytics.attribution_query import APART, CREDIT, Asked
from tracker.analytics.funnel_ties import before, middle
from tracker.store import persons
from tracker.store.engine import Engine
from tracker.store.sql import Fragment

if TYPE_CHECKING:
    from tracker.analytics.attribution import Spec

MAX_APART = 50_000
"""Most ends of paths of persons who are asked about apart."""

_LOOSE = 3  # the name of an end of a person with an arrival without a session

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Of all paths; keys are their hashes. `average` and `median` are the ages of first touches in ms.

    `credits`: key -> conversions and amounts (not Markov). `chain`: (state, next state) -> times (Markov only).
    `lengths`: conversions by number of touches. `touched`, `untouched`: what those with and without are worth.
    """

    credits: Mapping[int, tuple[float, float]]
    chain: Mapping[tuple[int, int], int]
    lengths: Mapping[int, int]
    touched: float
    untouched: float
    average: float | None
    median: float | None
    names: Mapping[int, str]


def facts(engine: Engine, spec: Spec, events: Fragment, amount: Fragment) -> Facts:
    """All that `attribution.sql` tells of everybody."""
    linked = persons.linked(engine, spec.site)
    asked = Asked(spec=spec, events=events, amount=amount, linked=linked, most_apart=MAX_APART)
    for codes in (coded, all_coded):  # a second time where there are keys that the first ones do not have
        keys = codes(engine, spec, events)
        if keys is None:
            break
        row = _ask(engine, replace(asked, codes=tuple(keys.names.values())))
        apart = sum(times for kind, _, times, *_ in _told(row) if kind == APART)
        if apart > MAX_APART:
            return _of_everybody(engine, asked, keys.names, loose=_loose(row))
        try:
            first = [_decoded(one, keys) for one in _told(row)]
        except IndexError:
            continue
        if not apart:
            return _together(row, first, keys.names)
        only, conversions = tuple(sorted(set(row["units"]))), sum(round(one[4]) for one in first if one[0] == APART)
        other = _ask(engine, replace(asked, loose=True, only=only, apart=conversions))
        both = {**row, "age": row["age"] + other["age"], "middles": [*row["middles"], *other["middles"]]}
        return _together(both, [*first, *_told(other)], keys.names)
    return _of_everybody(engine, asked, {}, loose=False)


def _of_everybody(engine: Engine, asked: Asked, names: Mapping[int, str], *, loose: bool) -> Facts:
    row = _ask(engine, replace(asked, loose=loose))
    if not loose and _loose(row):
        row = _ask(engine, replace(asked, loose=True))
    return _together(row, _told(row), names)


def _ask(engine: Engine, asked: Asked) -> dict[str, Any]:
    return engine.ask(attribution_query.query(asked)).dicts()[0]


_Fact = tuple[int, int, int, float, float]  # kind, name, times, credit, amounts


def _told(row: Row) -> list[_Fact]:
    return row["told"]  # type: ignore[no-any-return]


def _loose(row: Row) -> bool:
    return any(kind == APART and name == _LOOSE for kind, name, *_ in _told(row))


def _decoded(fact: _Fact, keys: Coded) -> _Fact:
    kind, name, times, credit, amounts = fact
    return keys.hash(kind), keys.hash(name), times, credit, amounts


def _together(row: Row, told: Iterable[_Fact], names: Mapping[int, str]) -> Facts:
    credits: dict[int, list[float]] = {}
    chain, lengths = Counter[tuple[int, int]](), Counter[int]()
    worth = [0.0, 0.0]
    for kind, name, times, credit, amounts in told:
        if kind == APART:
            continue
        if kind == CREDIT:
            pair = credits.setdefault(name, [0.0, 0.0])
            pair[0] += credit
            pair[1] += amounts
        elif name % 2:  # a conversion
            lengths[name // 2] += times
            worth[name > 1] += amounts
            chain[kind, CONVERSION] += times
        elif (kind, name) != (START, NOTHING):  # who neither came nor converted
            chain[kind, name] += times
    touched = lengths.total() - lengths[0]
    return Facts(
        credits={key: (conversions, amount) for key, (conversions, amount) in credits.items()},
        chain=chain,
        lengths=+lengths,
        touched=worth[1],
        untouched=worth[0],
        average=row["age"] / touched if touched else None,
        median=middle(row["middles"], before(row["aged"], row["room"]), touched) if touched else None,
        names=names,
    )
