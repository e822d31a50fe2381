"""Paths counted slowly, visit by visit, from the report's definition alone."""

from __future__ import annotations

import re
from collections import defaultdict
from fnmatch import translate

from funnel_oracle import BOOKKEEPING, instant, journeys, milliseconds


def node_of(event, body):
    """The node an event is, None where it is on no path."""
    if body.get("by", "page") == "event":
        name = None if event["type"] in BOOKKEEPING else event["event"]
    else:
        path = event.get("path") or ""
        path = path[:-1] if len(path) > 1 and path.endswith("/") else path
        name = path if path and event["event"] == "page_view" else None
    for rule in body.get("groups") or []:
        if name is not None and re.match(translate(rule["match"]), name):
            return rule.get("name", rule["match"])
    return name


def visits(rows, body):
    """[[(node, ms), ...], ...] of one person, repeats merged."""
    gap = body.get("session_gap", "30m")
    found, last = [], None
    for one in rows:
        node = node_of(one, body)
        if node is None or not instant(body["from"]) <= one["ts"] < instant(body["to"]):
            continue
        if last is None or (gap is not None and one["ts"] - last >= milliseconds(gap)):
            found.append([])
        last = one["ts"]
        if not found[-1] or found[-1][-1][0] != node:
            found[-1].append((node, one["ts"]))
    return found


def shown(visit, body):
    """(the part of a visit that is on a path, whether the visit stops at its end)."""
    steps, names = body.get("steps", 5), [node for node, _ in visit]
    start, end = body.get("start"), body.get("end")
    first = 0
    if start is not None:
        if start not in names:
            return [], False
        first = names.index(start)
    if end is None:
        return visit[first : first + steps], len(visit) - first <= steps
    after = names[first + 1 :] if start is not None else names
    if end not in after:
        return [], False
    last = after.index(end) + (first + 1 if start is not None else 0)
    part = visit[first : last + 1]
    return (part[:steps] if start is not None else part[-steps:]), False


def report(body, events, kept=None):
    """What is not in `kept`, pairs of step and node, is merged into other.

    {"edges": {(step, source, target): (people, seconds)}, "nodes": {(step, node): (people, dropped)}}.
    """
    paths = [(unit, *shown(visit, body)) for unit, rows in journeys({}, events).items() for visit in visits(rows, body)]
    at = defaultdict(set)
    for unit, path, _ in paths:
        for step, (node, _) in enumerate(path, 1):
            at[step, node].add(unit)
    kept = at.keys() if kept is None else kept

    def name(step, node):
        return node if (step, node) in kept else "other"

    edges, took, nodes, stops = defaultdict(set), defaultdict(list), defaultdict(set), defaultdict(set)
    for unit, path, stopped in paths:
        for step, (node, ms) in enumerate(path, 1):
            here = (step, name(step, node))
            nodes[here].add(unit)
            if step < len(path):
                key = (*here, name(step + 1, path[step][0]))
                edges[key].add(unit)
                took[key].append((path[step][1] - ms) / 1000)
            elif stopped:
                stops[here].add(unit)
    least = body.get("min_people", 1)
    return {
        "edges": {key: (len(who), sum(took[key]) / len(took[key])) for key, who in edges.items() if len(who) >= least},
        "nodes": {key: (len(who), len(stops[key])) for key, who in nodes.items() if len(who) >= least},
    }
