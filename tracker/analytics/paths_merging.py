"""Rows of several questions about hops, each of other persons, as one; and which nodes of them are shown."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tracker.analytics.paths_query import ON, OTHER, STOP, Kept

Row = dict[str, Any]
"""One hop, as `paths.sql` gives it."""


def merged(rows: list[Row]) -> list[Row]:
    """One row a hop, of several questions about different persons. Without the rows of step 0."""
    found: dict[tuple[int, int, int], Row] = {}
    for row in rows:
        if row["step"] == 0:
            continue
        known = found.setdefault((row["step"], row["source"], row["target"]), row)
        if known is not row:
            for name in ("people", "node_people", "took", "times"):
                known[name] += row[name]
    return list(found.values())


def people_at(rows: list[Row]) -> dict[int, dict[int, int]]:
    """Step -> node -> people."""
    found: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        found[row["step"]][row["source"]] += row["node_people"]
    return found


def biggest(rows: list[Row], most: int) -> Kept | None:
    """The biggest nodes of each step; None where no step has more than `most`."""
    people = people_at(rows)
    if all(len(nodes) <= most for nodes in people.values()):
        return None
    return {
        step: set(sorted(nodes, key=lambda node, nodes=nodes: (-nodes[node], node))[:most])  # type: ignore[misc]
        for step, nodes in people.items()
    }


def nodes_of(rows: list[Row]) -> set[int]:
    """The codes of all nodes."""
    return {node for row in rows for node in (row["source"], row["target"])} - {STOP, ON, OTHER}
