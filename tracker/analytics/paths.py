"""Which way people go through the site, from a page or event or to one. Definitions: `docs/reports.md`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from tracker.analytics import paths_journeys, paths_known, paths_slices
from tracker.analytics.paths_codes import UNKNOWN, among
from tracker.analytics.paths_merging import biggest, merged, nodes_of, people_at
from tracker.analytics.paths_query import NO_LIMIT, ON, OTHER, STOP, Kept, Source, query, settings_for
from tracker.analytics.paths_spec import Spec, parse
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Query
from tracker.store.sql import Fragment, fill, load

__all__ = ["Spec", "parse", "run"]

MAX_ROWS = 20_000
"""Most different hops that are fetched; beyond that the smaller nodes are merged in ClickHouse first."""

MAX_TIED = 5_000
"""Most persons with ties who are asked about apart; beyond that everybody's sequence and arrival are read."""


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"edges": [{"step", "source", "target", "people", "seconds_average"}], "nodes": [{"step", "node", "people",
    "dropped"}], "road"}`, the biggest first. `road`: "journeys" or "events", where it was read.
    """
    if (held := paths_journeys.rows(engine, spec, MAX_ROWS)) is not None:
        rows, names = held
        return {**_answer(spec, rows, {OTHER: "other", **names}), "road": "journeys"}
    return {**_from_events(engine, spec), "road": "events"}


def _from_events(engine: Engine, spec: Spec) -> dict[str, Any]:
    events, linked, settings = events_source(engine), persons.linked(engine, spec.site), settings_for(engine)
    for known, fresh in paths_known.lists(engine, spec, events):
        if not known.whole and not {spec.start, spec.end} <= {"", *known.names.values()}:
            if fresh:
                break  # nobody was there
            continue
        source = Source(events=events, codes=known, linked=linked, settings=settings)
        if (rows := _rows(engine, spec, source)) is not None:
            return _answer(spec, rows, {OTHER: "other", **_names(engine, spec, source, nodes_of(rows))})
    return {"edges": [], "nodes": []}


def _rows(engine: Engine, spec: Spec, source: Source) -> list[dict[str, Any]] | None:
    """One row a hop, the smaller nodes merged. None: there are nodes that `source` does not know."""
    rows = _everybody(engine, spec, source, None, MAX_ROWS + MAX_TIED + 1)
    tied: list[int] | None = _tied(rows)
    if tied:
        if len(tied) > MAX_TIED:
            tied, rows = None, _everybody(engine, spec, source, None, MAX_ROWS + 1, narrow=False)
        else:
            rows += engine.ask(query(spec, source, None, MAX_ROWS + 1, narrow=False, only=tied)).dicts()
    rows = merged(rows)
    if _lacking(source, nodes_of(rows)):
        return None
    kept: Kept | None
    if len(rows) > MAX_ROWS:
        hops = [Fragment(one.text, one.params) for one in _parts(spec, source, tied)]
        union = Fragment(
            " union all ".join(f"select * from ({one.text})" for one in hops),  # noqa: S608 - text of our own
            {name: value for one in hops for name, value in one.params.items()},
        )
        nodes = fill(load(__package__, "paths_nodes"), {"hops": union}, {"nodes": spec.max_nodes, "unknown": UNKNOWN})
        found: dict[int, set[int]] = defaultdict(set)
        for step, node, _ in engine.ask(nodes).rows:
            found[step].add(node)
        if _lacking(source, set().union(*found.values())):
            return None
        kept = found
    else:
        kept = biggest(rows, spec.max_nodes)
    if kept is not None:
        rows = _everybody(engine, spec, source, kept, NO_LIMIT, narrow=tied is not None)
        if tied:
            rows += engine.ask(query(spec, source, kept, NO_LIMIT, narrow=False, only=tied)).dicts()
        rows = merged(rows)
    return rows


def _tied(rows: list[dict[str, Any]]) -> list[int]:
    """The persons of the rows of step 0: there are two with the same half at most, and `times` is 1, 2 or both."""
    halves = [(row["source"], row["times"]) for row in rows if row["step"] == 0]
    return [2 * half + odd for half, times in halves for odd in (0, 1) if times & (1 + odd)]


def _everybody(
    engine: Engine, spec: Spec, source: Source, kept: Kept | None, most: int, *, narrow: bool = True
) -> list[dict[str, Any]]:
    """Rows of everybody, or of those without ties and who has some."""
    rows = paths_slices.rows(engine, spec, source, kept, most, narrow=narrow)
    return engine.ask(query(spec, source, kept, most, narrow=narrow)).dicts() if rows is None else rows


def _parts(spec: Spec, source: Source, tied: list[int] | None) -> list[Query]:
    """All hops of everybody: those without ties, and the tied; `None`: too many are."""
    if tied is None:
        return [query(spec, source, None, NO_LIMIT, narrow=False)]
    parts = [query(spec, source, None, NO_LIMIT)]
    return parts + ([query(spec, source, None, NO_LIMIT, narrow=False, only=tied)] if tied else [])


def _lacking(source: Source, nodes: set[int]) -> bool:
    """Whether one of the nodes stands for all that are not on the list. Each is the source of some hop."""
    return not source.codes.whole and UNKNOWN in nodes


def _names(engine: Engine, spec: Spec, source: Source, nodes: set[int]) -> Mapping[int, str]:
    if not nodes or not source.codes.whole:
        return source.codes.names
    between = {"from": spec.range.start, "to": spec.range.end}
    named = fill(
        load(__package__, "paths_names"),
        {"label": spec.label(), "hash": spec.label_hash(), "events": source.events, "among": among(spec)},
        {"site": spec.site, "nodes": sorted(nodes), "few": len(nodes), **between},
    )
    return {node: str(name) for node, name in engine.ask(named).rows}


def _answer(spec: Spec, rows: list[dict[str, Any]], names: Mapping[int, str]) -> dict[str, Any]:
    stops = {(row["step"], row["source"]): row["people"] for row in rows if row["target"] == STOP}
    edges = [
        {
            "step": row["step"],
            "source": names[row["source"]],
            "target": names[row["target"]],
            "people": row["people"],
            "seconds_average": row["took"] / row["times"] / 1000,
        }
        for row in rows
        if row["target"] not in (STOP, ON) and row["people"] >= spec.min_people
    ]
    nodes = [
        {"step": step, "node": names[node], "people": people, "dropped": stops.get((step, node), 0)}
        for step, found in people_at(rows).items()
        for node, people in found.items()
        if people >= spec.min_people
    ]
    edges.sort(key=lambda edge: (edge["step"], -edge["people"], edge["source"], edge["target"]))
    nodes.sort(key=lambda node: (node["step"], -node["people"], node["node"]))
    return {"edges": edges, "nodes": nodes}
