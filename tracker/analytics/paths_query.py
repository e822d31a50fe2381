"""The hops of people's paths as one query. Definitions: `docs/reports.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tracker.analytics.paths_codes import RESERVED, Codes
from tracker.analytics.paths_numbers import Hops, Moments
from tracker.analytics.paths_spec import Spec
from tracker.store import persons
from tracker.store.engine import Engine, Param, Query, Settings
from tracker.store.filters import Condition
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import counted

STOP, ON, OTHER = range(RESERVED)
"""What stands where a node's code could: the path ends, is cut here, a node that is merged with others."""

NO_LIMIT = 2**32 - 1

Kept = Mapping[int, set[int]]
"""Step -> the codes of nodes that are shown; the others of that step are merged."""

_SETTINGS = {"join_algorithm": "hash", "short_circuit_function_evaluation": "disable"}
"""A branch that is left out costs more than one that is computed in vain."""

_SHARED_OUT = {"adaptive_aggregator_freeze_threshold": 0}

_PLACES = 32
"""More than any step there can be."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What one report reads: `events`, their nodes' `codes`, and whether any key is `linked` to another person.

    `settings`: what its questions say beside (`settings_for`).
    """

    events: Fragment
    codes: Codes
    linked: bool
    settings: Settings = field(default_factory=dict)


def settings_for(engine: Engine) -> Settings:
    """For bringing a month together by key: tables of frequent keys help nobody where each key has some events.

    Newer versions of ClickHouse share out the rest by hash; from how many keys on they do so can be said there.
    """
    named = {"names": list(_SHARED_OUT)}
    text = "select name from system.settings where name in {names:Array(String)}"
    known = [] if engine.cluster is not None else engine.ask(Query(text=text, params=named)).rows
    return {name: _SHARED_OUT[name] for (name,) in known}


def query(
    spec: Spec,
    source: Source,
    kept: Kept | None,
    rows: int,
    *,
    narrow: bool = True,
    only: Sequence[int] | None = None,
) -> Query:
    """The hops as one query, of all persons or of `only` some.

    `narrow` leaves sequence and arrival out: half the memory, and a row of step 0 for each person they decide for.
    """
    chosen = Fragment("true")
    if only is not None:
        chosen = Fragment(f"key global in {persons.keys_of('only').text}", {"only": list(only)})
    elif spec.end:  # few get there: nobody else's events are brought together
        ended = fill(
            load(__package__, "who_did"),
            {"did": spec.is_end(), "events": source.events, "counted": counted([Condition("*")])},
        )
        chosen = Fragment(f"key global in ({ended.text})", ended.params)
    of_keys = gathered(spec, source, chosen, narrow=narrow)
    of_persons = persons.of_keys(of_keys, linked=source.linked, only=None if only is None else "only")
    return hops(spec, source, kept, rows, of_persons, narrow=narrow)


def gathered(spec: Spec, source: Source, chosen: Fragment, *, narrow: bool) -> Fragment:
    """A subquery with the nodes of each `chosen` key as numbers, `packed`; needs `site`, `from` and `to`."""
    code = source.codes.of(spec.label_hash())
    found = fill(
        load(__package__, "paths_gathered"),
        {
            "packed": Fragment(moments_of(spec, source, narrow=narrow).packed(code.text), code.params),
            "events": source.events,
            "counted": counted([Condition("*")]),
            "relevant": spec.relevant(),
            "chosen": chosen,
        },
    )
    return Fragment(found.text, found.params)


def hops(
    spec: Spec,
    source: Source,
    kept: Kept | None,
    rows: int,
    of_persons: Fragment,
    *,
    narrow: bool,
    in_order: bool = False,
) -> Query:
    """The hops of the persons in a subquery with `person` and `packed`; `in_order`: it holds the order that counts."""
    layout = _Layout(spec, source.codes, kept, moments_of(spec, source, narrow=narrow), in_order)
    shown: dict[str, list[int]] = {}
    if kept is not None:
        shown["kept_at"] = [(node * _PLACES + step) % 2**64 for step, nodes in kept.items() for node in nodes]
        shown["kept"] = [node for nodes in kept.values() for node in nodes]
    return fill(
        load(__package__, "paths"),
        {**{name: Fragment(text) for name, text in layout.hop.read().items()}, "hops": layout.hops(of_persons)},
        {**between(spec), "rows": rows, "steps": spec.steps, **shown},
        settings={**_SETTINGS, **source.settings},
    )


def between(spec: Spec) -> dict[str, Param]:
    """The parameters of every question about paths."""
    return {"site": spec.site, "from": spec.range.start, "to": spec.range.end}


def moments_of(spec: Spec, source: Source, *, narrow: bool) -> Moments:
    """The layout of this question's numbers."""
    return Moments(spec.range.end - spec.range.start, source.codes.bits, spec.session_gap, narrow=narrow)


@dataclass(frozen=True)
class _Layout:
    """Writes the SQL for hops out of moments."""

    spec: Spec
    codes: Codes
    kept: Kept | None
    moments: Moments
    in_order: bool

    @property
    def hop(self) -> Hops:
        return Hops(self.spec.range.end - self.spec.range.start, self.codes.bits, self.spec.steps)

    def hops(self, of_persons: Fragment) -> Fragment:
        """SQL: the hops of everybody."""
        moments = self.moments
        in_order = fill(
            load(__package__, "paths_sorted"),
            {
                "in_order": Fragment("packed" if self.in_order else "arraySort(packed)"),
                "wide": Fragment(moments.wide),
                "before_first": Fragment(moments.before_first),
                "begins": Fragment(moments.begins),
                "moved": Fragment(moments.moved),
                "tied": Fragment("toUInt8(0)" if self.in_order else moments.tied),
                "gathered": of_persons,
            },
        )
        slots = {"sorted": Fragment(in_order.text, in_order.params)}
        if self.spec.start or self.spec.end:
            node, mark = moments.code("p"), f"{moments.code('q')} <= {ON}"
            slots["cut"] = _cut(self.spec, self.codes, moments)
            slots["is_node"] = Fragment(f"{node} > {ON}")
            slots["hop"] = self._from("place", f"if({mark}, {self.hop.target(moments.code('q'))}, {self._to('place')})")
            found = fill(load(__package__, "paths_anchored"), slots)
        else:
            place = "(at - first + 1)"
            ends = f"bitAnd(q, 1) = 1, {self.hop.target(str(STOP))}, {place} = {self.spec.steps}"
            slots["hop"] = self._from(place, f"multiIf({ends}, {self.hop.target(str(ON))}, {self._to(place)})")
            slots["wide"] = Fragment(moments.wide)
            found = fill(load(__package__, "paths_whole"), slots)
        return Fragment(found.text, found.params)

    def _from(self, place: str, target: str) -> Fragment:
        """SQL: the hop that starts at `p`."""
        return Fragment(f"{self.hop.start(place, _shown(self.kept, self.moments.code('p'), place))} + {target}")

    def _to(self, place: str) -> str:
        """SQL: what of the hop says that it goes to `q`."""
        node = _shown(self.kept, self.moments.code("q"), f"{place} + 1")
        return self.hop.target(node, self.moments.between("p", "q"))


def _cut(spec: Spec, codes: Codes, moments: Moments) -> Fragment:
    """The part of `visit` that is shown, and behind it how it goes on; empty where it is on no path."""
    wide, nodes = moments.wide, f"arrayMap(p -> {moments.code('p')}, visit)"
    none = f"CAST([], 'Array({wide})')"
    start, end = (codes.named(slot, name) if name else "" for slot, name in (("start", spec.start), ("end", spec.end)))
    first = f"indexOf({nodes}, {start})" if spec.start else "1"
    params = {name: text for name, text in (("start", spec.start), ("end", spec.end)) if text}
    stop, on = (f"to{wide}({moments.mark(one)})" for one in (STOP, ON))
    if not spec.end:
        mark = f"if(length(visit) - {first} + 1 > {spec.steps}, {on}, {stop})"
        text = f"arrayPushBack(arraySlice(visit, {first}, {spec.steps}), {mark})"
        return Fragment(f"if({first} = 0, {none}, {text})" if spec.start else text, params)
    if not spec.start:
        last = f"indexOf({nodes}, {end})"
        part = f"arraySlice(visit, greatest({last} - {spec.steps - 1}, 1), least({last}, {spec.steps}))"
        return Fragment(f"if({last} = 0, {none}, arrayPushBack({part}, {on}))", params)
    is_end = f"node = {end} and at > {first}"
    last = f"arrayFirstIndex((node, at) -> {is_end}, {nodes}, arrayEnumerate(visit))"
    part = f"arraySlice(visit, {first}, least({last} - {first} + 1, {spec.steps}))"
    return Fragment(f"if({first} = 0 or {last} = 0, {none}, arrayPushBack({part}, {on}))", params)


def _shown(kept: Kept | None, node: str, place: str) -> str:
    """SQL: the node's code, that of `OTHER` where it is not in `kept` at its place."""
    if kept is None:
        return node
    where = f"toUInt64({node}) * {_PLACES} + ({place})"
    return f"transform({where}, {{kept_at:Array(UInt64)}}, {{kept:Array(UInt64)}}, toUInt64({OTHER}))"
