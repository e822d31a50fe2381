"""Which way people go through the site, from a page or event or to one. Definitions: `docs/reports.md`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tracker.analytics import moments
from tracker.analytics.paths_spec import Spec, parse
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Query
from tracker.store.filters import Condition
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import counted

__all__ = ["Spec", "parse", "run"]

MAX_ROWS = 20_000
"""Most different hops that are fetched; beyond that the smaller nodes are merged in ClickHouse first."""

MAX_TIED = 5_000
"""Most persons with ties who are asked about apart; beyond that everybody's sequence and arrival are read."""

_STOP, _ON, _OTHER = 0, 1, 2  # what stands where a node's 64-bit key could: the path ends, is cut here, a merged node
_NODE_BITS = 64
_NO_LIMIT = 2**32 - 1
_TIED = (
    "arrayExists((p, q) -> bitShiftRight(p, 64) = bitShiftRight(q, 64) and toUInt64(p) != toUInt64(q), sorted, before)"
)

Kept = Mapping[int, set[int]]
"""Step -> the nodes that are shown; the others of that step are merged."""


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"edges": [{"step", "source", "target", "people", "seconds_average"}], "nodes": [{"step", "node", "people",
    "dropped"}]}`, the biggest first.
    """
    events = events_source(engine)
    rows = engine.ask(query(spec, events, None, MAX_ROWS + MAX_TIED + 1)).dicts()
    tied: list[int] | None = [row["source"] for row in rows if row["step"] == 0]
    if tied:
        if len(tied) > MAX_TIED:
            tied, rows = None, []
        rows += engine.ask(query(spec, events, None, MAX_ROWS + 1, narrow=False, only=tied)).dicts()
    rows = _merged(rows)
    kept: Kept | None
    if len(rows) > MAX_ROWS:
        hops = [Fragment(one.text, one.params) for one in _parts(spec, events, None, tied)]
        union = Fragment(
            " union all ".join(f"select * from ({one.text})" for one in hops),  # noqa: S608 - text of our own
            {name: value for one in hops for name, value in one.params.items()},
        )
        nodes = fill(load(__package__, "paths_nodes"), {"hops": union}, {"nodes": spec.max_nodes})
        found: dict[int, set[int]] = defaultdict(set)
        for step, node, _ in engine.ask(nodes).rows:
            found[step].add(node)
        kept = found
    else:
        kept = _biggest(rows, spec.max_nodes)
    if kept is not None:
        rows = _merged([row for part in _parts(spec, events, kept, tied) for row in engine.ask(part).dicts()])
    names = _names(engine, spec, events, {node for row in rows for node in (row["source"], row["target"])})
    return _answer(spec, rows, names)


def _parts(spec: Spec, events: Fragment, kept: Kept | None, tied: list[int] | None) -> list[Query]:
    """Everybody's hops: those without ties, and the tied; `None`: too many are."""
    if tied is None:
        return [query(spec, events, kept, _NO_LIMIT, narrow=False)]
    parts = [query(spec, events, kept, _NO_LIMIT)]
    return parts + ([query(spec, events, kept, _NO_LIMIT, narrow=False, only=tied)] if tied else [])


def _merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a hop, of several questions about different persons. Without the rows of step 0."""
    found: dict[tuple[int, int, int], dict[str, Any]] = {}
    for row in rows:
        if row["step"] == 0:
            continue
        known = found.setdefault((row["step"], row["source"], row["target"]), row)
        if known is not row:
            for name in ("people", "node_people", "took", "times"):
                known[name] += row[name]
    return list(found.values())


def query(
    spec: Spec,
    events: Fragment,
    kept: Kept | None,
    rows: int,
    *,
    narrow: bool = True,
    only: Sequence[int] | None = None,
) -> Query:
    """The hops as one query, of all persons or of `only` some.

    `narrow` leaves sequence and arrival out: half the memory, and a row of step 0 for each person they decide for.
    """
    below, label = moments.shift(_NODE_BITS, narrow=narrow), spec.label_hash()
    wide = "UInt128" if narrow else "UInt256"
    packed = f"{moments.packed(wide, _NODE_BITS, narrow=narrow)} + to{wide}({label.text})"
    shown = (
        {}
        if kept is None
        else {
            "kept_at": [(node + step) % 2**64 for step, nodes in kept.items() for node in nodes],
            "kept": [node for nodes in kept.values() for node in nodes],
        }
    )
    chosen = Fragment("true")
    if only is not None:
        chosen = Fragment(f"key global in {persons.keys_of('only').text}", {"only": list(only)})
    elif spec.end:  # few get there: nobody else's events are brought together
        ended = fill(
            load(__package__, "who_did"),
            {"did": spec.is_end(), "events": events, "counted": counted([Condition("*")])},
        )
        chosen = Fragment(f"key global in ({ended.text})", ended.params)
    in_order = fill(
        load(__package__, "paths_sorted"),
        {
            "packed": Fragment(packed, label.params),
            "person": Fragment(persons.PERSON),
            "pauses": Fragment(_pauses(spec, below)),
            "tied": Fragment(_TIED if narrow else "false"),
            "events": events,
            "persons": persons.join(),
            "counted": counted([Condition("*")]),
            "relevant": spec.relevant(),
            "chosen": chosen,
        },
    )
    anchored = bool(spec.start or spec.end)
    hops = fill(
        load(__package__, "paths_anchored" if anchored else "paths_whole"),
        {
            "sorted": Fragment(in_order.text, in_order.params),
            "moment": Fragment(f"bitShiftRight(p, {below})"),
            **({"cut": _cut(spec, wide)} if anchored else {}),
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


def _cut(spec: Spec, wide: str) -> Fragment:
    """The part of `visit` that is shown, with the mark of how it goes on behind it; empty where it is on no path."""
    nodes, none = "arrayMap(p -> toUInt64(p), visit)", f"CAST([], 'Array({wide})')"
    first = "indexOf(" + nodes + ", cityHash64({start:String}))" if spec.start else "1"
    params = {name: text for name, text in (("start", spec.start), ("end", spec.end)) if text}
    if not spec.end:
        mark = f"to{wide}(length(visit) - {first} + 1 > {spec.steps})"
        text = f"arrayPushBack(arraySlice(visit, {first}, {spec.steps}), {mark})"
        return Fragment(f"if({first} = 0, {none}, {text})" if spec.start else text, params)
    mark = f"to{wide}({_ON})"
    if not spec.start:
        last = f"indexOf({nodes}, cityHash64({{end:String}}))"
        part = f"arraySlice(visit, greatest({last} - {spec.steps - 1}, 1), least({last}, {spec.steps}))"
        return Fragment(f"if({last} = 0, {none}, arrayPushBack({part}, {mark}))", params)
    is_end = f"node = cityHash64({{end:String}}) and at > {first}"
    last = f"arrayFirstIndex((node, at) -> {is_end}, {nodes}, arrayEnumerate(visit))"
    part = f"arraySlice(visit, {first}, least({last} - {first} + 1, {spec.steps}))"
    return Fragment(f"if({first} = 0 or {last} = 0, {none}, arrayPushBack({part}, {mark}))", params)


def _shown(kept: Kept | None, nodes: str, step: str) -> str:
    """SQL: an array of nodes, those not in `kept` merged; `step` is theirs where their hop is of step `place`."""
    if kept is None:
        return nodes
    merged = f"transform(node + ({step}), {{kept_at:Array(UInt64)}}, {{kept:Array(UInt64)}}, toUInt64({_OTHER}))"
    return f"arrayMap((node, place) -> if(node <= {_ON}, node, {merged}), {nodes}, places)"


def _people_at(rows: list[dict[str, Any]]) -> dict[int, dict[int, int]]:
    """Step -> node -> people."""
    found: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        found[row["step"]][row["source"]] += row["node_people"]
    return found


def _biggest(rows: list[dict[str, Any]], most: int) -> Kept | None:
    """The biggest nodes of each step; None where no step has more than `most`."""
    people = _people_at(rows)
    if all(len(nodes) <= most for nodes in people.values()):
        return None
    return {
        step: set(sorted(nodes, key=lambda node, nodes=nodes: (-nodes[node], node))[:most])  # type: ignore[misc]
        for step, nodes in people.items()
    }


def _names(engine: Engine, spec: Spec, events: Fragment, nodes: set[int]) -> dict[int, str]:
    wanted = sorted(nodes - {_STOP, _ON, _OTHER})
    if not wanted:
        return {_OTHER: "other"}
    among, params = Fragment("true"), {}  # names of events stand together: nothing but them is read
    if spec.by == "page":
        between = "ts >= fromUnixTimestamp64Milli({from:Int64}) and ts < fromUnixTimestamp64Milli({to:Int64})"
        among = Fragment(f"{spec.relevant().text} and {between}")
        params = {"from": spec.range.start, "to": spec.range.end}
    query = fill(
        load(__package__, "paths_names"),
        {"label": spec.label(), "hash": spec.label_hash(), "events": events, "among": among},
        {"site": spec.site, "nodes": wanted, "few": len(wanted), **params},
    )
    return {_OTHER: "other", **{node: str(name) for node, name in engine.ask(query).rows}}


def _answer(spec: Spec, rows: list[dict[str, Any]], names: Mapping[int, str]) -> dict[str, Any]:
    stops = {(row["step"], row["source"]): row["people"] for row in rows if row["target"] == _STOP}
    edges = [
        {
            "step": row["step"],
            "source": names[row["source"]],
            "target": names[row["target"]],
            "people": row["people"],
            "seconds_average": row["took"] / row["times"] / 1000,
        }
        for row in rows
        if row["target"] not in (_STOP, _ON) and row["people"] >= spec.min_people
    ]
    nodes = [
        {"step": step, "node": names[node], "people": people, "dropped": stops.get((step, node), 0)}
        for step, found in _people_at(rows).items()
        for node, people in found.items()
        if people >= spec.min_people
    ]
    edges.sort(key=lambda edge: (edge["step"], -edge["people"], edge["source"], edge["target"]))
    nodes.sort(key=lambda node: (node["step"], -node["people"], node["node"]))
    return {"edges": edges, "nodes": nodes}
