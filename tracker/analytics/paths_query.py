"""The hops of people's paths as one query. Definitions: `docs/reports.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tracker.analytics import moments
from tracker.analytics.paths_codes import HASH_BITS, RESERVED, Codes
from tracker.analytics.paths_spec import Spec
from tracker.store import persons
from tracker.store.engine import Query
from tracker.store.filters import Condition
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import counted

STOP, ON, OTHER = range(RESERVED + 1)
"""What stands where a node's code could: the path ends, is cut here, a node that is merged with others."""

NO_LIMIT = 2**32 - 1

Kept = Mapping[int, set[int]]
"""Step -> the codes of nodes that are shown; the others of that step are merged."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What one report reads: `events`, their nodes' `codes`, and whether any key is `linked` to another person."""

    events: Fragment
    codes: Codes
    linked: bool


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
    code = source.codes.of(spec.label_hash())
    bits = source.codes.bits if narrow else HASH_BITS
    below = moments.shift(bits, narrow=narrow)
    wide = moments.width(spec.range.end - spec.range.start, bits, narrow=narrow)
    packed = f"{moments.packed(wide, bits, narrow=narrow)} + to{wide}({code.text})"
    shown = (
        {}
        if kept is None
        else {
            "kept_at": [(node + step) % 2**64 for step, nodes in kept.items() for node in nodes],
            "kept": [node for nodes in kept.values() for node in nodes],
        }
    )
    chosen, events = Fragment("true"), source.events
    if only is not None:
        chosen = Fragment(f"key global in {persons.keys_of('only').text}", {"only": list(only)})
    elif spec.end:  # few get there: nobody else's events are brought together
        ended = fill(
            load(__package__, "who_did"),
            {"did": spec.is_end(), "events": events, "counted": counted([Condition("*")])},
        )
        chosen = Fragment(f"key global in ({ended.text})", ended.params)
    gathered = fill(
        load(__package__, "paths_gathered"),
        {
            "packed": Fragment(packed, code.params),
            "events": events,
            "counted": counted([Condition("*")]),
            "relevant": spec.relevant(),
            "chosen": chosen,
        },
    )
    node, moment = _node_in(bits), f"bitShiftRight({{}}, {below})"
    in_order = fill(
        load(__package__, "paths_sorted"),
        {
            "pauses": Fragment(_pauses(spec, below)),
            "tied": Fragment(_tied(moment) if narrow else "false"),
            "node": Fragment(node.format("p")),
            "node_before": Fragment(node.format("q")),
            "gathered": persons.of_keys(
                Fragment(gathered.text, gathered.params), linked=source.linked, only=None if only is None else "only"
            ),
        },
    )
    anchored = bool(spec.start or spec.end)
    hops = fill(
        load(__package__, "paths_anchored" if anchored else "paths_whole"),
        {
            "sorted": Fragment(in_order.text, in_order.params),
            "moment": Fragment(moment.format("p")),
            "node": Fragment(node.format("p")),
            **({"cut": _cut(spec, source.codes, node, wide)} if anchored else {}),
        },
    )
    return fill(
        load(__package__, "paths"),
        {
            "source": Fragment(_shown(kept, "nodes", "place")),
            "target": Fragment(_shown(kept, "nexts", "place + 1")),
            "hops": Fragment(hops.text, hops.params),
        },
        {"site": spec.site, "from": spec.range.start, "to": spec.range.end, "rows": rows, "steps": spec.steps, **shown},
        settings={"join_algorithm": "hash"},
    )


def _pauses(spec: Spec, below: int) -> str:
    if spec.session_gap is None:
        return "arrayMap(p -> false, sorted)"
    moment = f"toInt64(bitShiftRight({{}}, {below}))"
    return f"arrayMap((p, q) -> {moment.format('p')} - {moment.format('q')} >= {spec.session_gap}, sorted, before)"


def _node_in(bits: int) -> str:
    """SQL: the node's code that a number ends in."""
    return "toUInt64({})" if bits == HASH_BITS else f"bitAnd({{}}, {2**bits - 1})"


def _tied(moment: str) -> str:
    """SQL: whether two nodes share a millisecond."""
    return f"arrayExists((p, q) -> {moment.format('p')} = {moment.format('q')} and p != q, sorted, before)"


def _cut(spec: Spec, codes: Codes, node: str, wide: str) -> Fragment:
    """The part of `visit` that is shown, with the mark of how it goes on behind it; empty where it is on no path."""
    nodes, none = f"arrayMap(p -> {node.format('p')}, visit)", f"CAST([], 'Array({wide})')"
    start, end = (codes.of(Fragment(f"cityHash64({{{name}:String}})")).text for name in ("start", "end"))
    first = f"indexOf({nodes}, {start})" if spec.start else "1"
    params = {name: text for name, text in (("start", spec.start), ("end", spec.end)) if text}
    if not spec.end:
        mark = f"to{wide}(length(visit) - {first} + 1 > {spec.steps})"
        text = f"arrayPushBack(arraySlice(visit, {first}, {spec.steps}), {mark})"
        return Fragment(f"if({first} = 0, {none}, {text})" if spec.start else text, params)
    mark = f"to{wide}({ON})"
    if not spec.start:
        last = f"indexOf({nodes}, {end})"
        part = f"arraySlice(visit, greatest({last} - {spec.steps - 1}, 1), least({last}, {spec.steps}))"
        return Fragment(f"if({last} = 0, {none}, arrayPushBack({part}, {mark}))", params)
    is_end = f"node = {end} and at > {first}"
    last = f"arrayFirstIndex((node, at) -> {is_end}, {nodes}, arrayEnumerate(visit))"
    part = f"arraySlice(visit, {first}, least({last} - {first} + 1, {spec.steps}))"
    return Fragment(f"if({first} = 0 or {last} = 0, {none}, arrayPushBack({part}, {mark}))", params)


def _shown(kept: Kept | None, nodes: str, step: str) -> str:
    """SQL: an array of nodes, those not in `kept` merged; `step` is theirs where their hop is of step `place`."""
    if kept is None:
        return nodes
    merged = f"transform(node + ({step}), {{kept_at:Array(UInt64)}}, {{kept:Array(UInt64)}}, toUInt64({OTHER}))"
    return f"arrayMap((node, place) -> if(node <= {ON}, node, {merged}), {nodes}, places)"
