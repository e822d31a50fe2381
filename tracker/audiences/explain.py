"""Why somebody is in an audience or not, condition by condition, and why they are not exported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tracker.audiences import judging
from tracker.audiences.compile import did_matches
from tracker.audiences.definition import Definition
from tracker.audiences.expiry import NEVER
from tracker.audiences.marks import main_currency
from tracker.audiences.rules import All, AnyOf, Did, Not, Property, Rule
from tracker.core.period import rfc3339
from tracker.core.site import Site
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query
from tracker.store.filters import Filter
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import Params, filter_sql, property_text

_ORDER = "(ts, seq, arrival)"


def explain(
    engine: Engine, site: Site, definitions: Sequence[Definition], *, person: int, now_ms: int
) -> dict[str, dict[str, Any]]:
    """Audience -> `{"inside", "verdict", "lapsed", "changes", "conditions": [...], "stay"}`, as of now.

    `verdict`: `exportable` or the reason for being withheld, None outside; `changes`: when a time in the rule may
    change the answer without a new event. A condition has `path` within the rule, `holds`, and where events can speak
    for it `count`, `first`, `last` and `value`.
    """
    parts = {
        one.id: [
            (path, replace(one, rule=part, id=f"{one.id}#{at}")) for at, (path, part) in enumerate(_parts(one.rule))
        ]
        for one in definitions
    }
    asked = [*definitions, *(part for some in parts.values() for _, part in some)]
    judged = _judged(engine, site, asked, person, now_ms)
    speaks = _evidence(engine, site, [part for some in parts.values() for _, part in some], person, now_ms)
    stays = _stays(engine, site, list(parts), person)
    return {
        one.id: {
            **_answer(judged.get(one.id)),
            "conditions": [
                {"path": path, "holds": _holds(judged.get(part.id)), **speaks.get(part.id, {})}
                for path, part in parts[one.id]
            ],
            "stay": stays.get(one.id),
        }
        for one in definitions
    }


def _asked(one: Definition) -> list[tuple[str, Definition]]:
    """Each condition as an audience of its own, and where it stands."""
    return [(path, replace(one, rule=part, id=f"{one.id}#{at}")) for at, (path, part) in enumerate(_parts(one.rule))]


def _parts(rule: Rule, path: str = "rule") -> Iterator[tuple[str, Rule]]:
    """The conditions of a rule, with the place where each stands."""
    if isinstance(rule, Not):
        yield from _parts(rule.part, f"{path}.not")
    elif isinstance(rule, All | AnyOf):
        word = "all" if isinstance(rule, All) else "any"
        for at, part in enumerate(rule.parts):
            yield from _parts(part, f"{path}.{word}[{at}]")
    else:
        yield path, rule


def _judged(
    engine: Engine, site: Site, definitions: Sequence[Definition], person: int, now_ms: int
) -> dict[str, dict[str, Any]]:
    base = judging.few(site.name, events_source(engine), [person])
    currency = main_currency(engine, site.name, definitions, now_ms)
    queries = judging.statements(engine, site, base, definitions, now_ms=now_ms, currency=currency)
    return {row["audience"]: row for query in queries for row in engine.ask(query).dicts()}


def _holds(row: Mapping[str, Any] | None) -> bool:
    return row is not None and bool(row["inside"] or row["lapsed"])


def _answer(row: Mapping[str, Any] | None) -> dict[str, Any]:
    if row is None:
        return {"inside": False, "verdict": None, "lapsed": False, "changes": None}
    return {
        "inside": bool(row["inside"]),
        "verdict": str(row["verdict"]) if row["inside"] else None,
        "lapsed": bool(row["lapsed"]),
        "changes": None if row["until"] >= NEVER else rfc3339(row["until"]),
    }


def _evidence(
    engine: Engine, site: Site, parts: Sequence[Definition], person: int, now_ms: int
) -> dict[str, dict[str, Any]]:
    params, speaking, texts = Params("e"), [], []
    for part in parts:
        matching, value = "", "''"
        if isinstance(part.rule, Did):
            matching = did_matches(part.rule, params, now_ms)
        elif isinstance(part.rule, Property):
            matching = filter_sql(Filter(part.rule.filter.property, "exists", ()), params)
            pick = "argMaxIf" if part.rule.touch == "last" else "argMinIf"
            value = f"{pick}({property_text(part.rule.filter.property, params)}, {_ORDER}, {matching})"
        if not matching:
            continue
        at = "toUnixTimestamp64Milli(ts)"
        speaking.append(part)
        texts.append(f"(countIf({matching}), minIf({at}, {matching}), maxIf({at}, {matching}), {value})")
    if not texts:
        return {}
    slots = {
        "evidence": Fragment(", ".join(texts), params.values),
        "events": events_source(engine),
        "theirs": persons.keys_of("explained"),
    }
    query = fill(
        load(__package__, "evidence"),
        slots,
        {"site": site.name, "explained": [person]},
        settings={"max_query_size": 4_000_000},
    )
    [(found,)] = engine.ask(query).rows
    return {part.id: _spoken(part, *row) for part, row in zip(speaking, found, strict=True)}


def _spoken(part: Definition, count: int, first: int, last: int, value: str) -> dict[str, Any]:
    when = {"first": rfc3339(first) if count else None, "last": rfc3339(last) if count else None}
    return {"count": count, **when, "value": value if count and isinstance(part.rule, Property) else None}


def _stays(engine: Engine, site: Site, audiences: Sequence[str], person: int) -> dict[str, dict[str, Any]]:
    """The latest stay in each audience, as it was stored."""
    params: dict[str, Param] = {"site": site.name, "audiences": list(audiences), "person": person}
    rows = engine.ask(Query(text=load(__package__, "stays_of"), params=params)).dicts()
    return {
        row["audience"]: {
            "entered": rfc3339(row["entered"]),
            "entered_by": row["entered_by"],
            "left": rfc3339(row["left_at"]) if row["left_at"] else None,
            "left_by": row["left_by"] or None,
            "arm": row["arm"] or None,
        }
        for row in rows
    }
