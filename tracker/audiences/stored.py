"""Reading the stored members, and whether they are exactly those of now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tracker.audiences import expiry, judging
from tracker.audiences.definition import Definition
from tracker.audiences.marks import Marks, basis, main_currency, marks
from tracker.catalog.memberships import Membership
from tracker.core.site import Site
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query
from tracker.store.sql import Fragment, fill, load


def fresh(
    engine: Engine, site: Site, definition: Definition, now_ms: int, state: Membership, *, found: Marks | None = None
) -> bool:
    """Whether nothing happened since the last refresh that could change who is in; some milliseconds.

    `found`: how far the store is, where that was asked already.
    """
    if not expiry.foreseeable(definition.rule) or not 0 < state.as_of <= now_ms:
        return False
    if not (found or marks(engine, site.name, state.block)).seen_by(state):
        return False
    if state.basis != basis(site, definition, main_currency(engine, site.name, [definition], now_ms)):
        return False
    params: dict[str, Param] = {"site": site.name, "after": state.as_of, "now": now_ms}
    return not engine.ask(fill(load(__package__, "runs_out"), params=params)).rows


def verdicts(site: str, audience: str) -> Query:
    """The stored members with the columns of `verdicts.sql`."""
    return fill(load(__package__, "stored"), params={"site": site, "audience": audience})


def inside(
    engine: Engine,
    site: Site,
    definitions: Sequence[Definition],
    states: Mapping[str, Membership],
    *,
    people: Sequence[int],
    now_ms: int,
) -> dict[str, str]:
    """Audience -> verdict, of those that one of these persons is in now: all asked at once. `people`: keys."""
    if not definitions or not people:
        return {}
    known = [states[one.id] for one in definitions if one.id in states]
    found = marks(engine, site.name, min(state.block for state in known)) if known else None
    sure: list[Definition] = []
    left: list[Definition] = []
    for one in definitions:
        ready = one.id in states and fresh(engine, site, one, now_ms, states[one.id], found=found)
        (sure if ready else left).append(one)
    answers: dict[str, str] = {}
    if sure:
        given: dict[str, Param] = {"site": site.name, "audiences": [one.id for one in sure], "people": list(people)}
        answers |= {str(one): str(why) for one, why in engine.ask(fill(load(__package__, "in_now"), params=given)).rows}
    answers |= judged(engine, site, left, people, now_ms)
    return answers


def judged(
    engine: Engine, site: Site, definitions: Sequence[Definition], people: Sequence[int], now_ms: int
) -> dict[str, str]:
    """As `inside`, computed from the events of these persons."""
    answers: dict[str, str] = {}
    currency = main_currency(engine, site.name, definitions, now_ms)
    only = Fragment(f" and key in {persons.keys_of('only_people').text}", {"only_people": list(people)})
    base = judging.whole(site.name, events_source(engine), only)
    for query in judging.statements(engine, site, base, definitions, now_ms=now_ms, currency=currency):
        answers |= {
            str(audience): str(verdict) for audience, _, is_in, _, _, verdict, _ in engine.ask(query).rows if is_in
        }
    return answers
