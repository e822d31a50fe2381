"""Reading the stored members, and whether they are exactly those of now."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, MutableMapping, Sequence

from tracker.audiences import expiry, judging
from tracker.audiences.definition import Definition
from tracker.audiences.marks import basis, main_currency, marks
from tracker.audiences.touched import LISTED_MARGIN
from tracker.audiences.watch import happened_to
from tracker.catalog.memberships import Membership
from tracker.core.site import Site
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query
from tracker.store.sql import fill, load

_NO_VERSION = 2**63
_ONE_AT_A_TIME = threading.Lock()
"""Reading a hundred rules takes half a second of processor: many who ask at once wait for each other."""


def fresh(engine: Engine, site: Site, definition: Definition, now_ms: int, state: Membership) -> bool:
    """Whether nothing happened since the last refresh that could change who is in; some milliseconds."""
    return bool(all_fresh(engine, site, [definition], {definition.id: state}, now_ms))


def all_fresh(
    engine: Engine, site: Site, definitions: Sequence[Definition], states: Mapping[str, Membership], now_ms: int
) -> set[str]:
    """Those of several audiences of which that is so; how far the store is, is asked once for all."""
    asked = _askable(definitions, states, now_ms)
    if not asked:
        return set()
    found = marks(engine, site.name, min(states[one.id].block for one in asked))
    asked = _based(engine, site, [one for one in asked if found.seen_by(states[one.id])], states, now_ms)
    out = {
        as_of: bool(engine.ask(fill(load(__package__, "runs_out"), params=_since(site, as_of, now_ms))).rows)
        for as_of in {states[one.id].as_of for one in asked}
    }
    return {one.id for one in asked if not out[states[one.id].as_of]}


def fresh_for(
    engine: Engine,
    site: Site,
    definitions: Sequence[Definition],
    states: Mapping[str, Membership],
    *,
    people: Sequence[int],
    now_ms: int,
    behind: Mapping[str, int],
    currencies: MutableMapping[str, str | None] | None = None,
) -> set[str]:
    """Those of several audiences in which these persons are exactly as stored: nothing has happened to them since the
    last refresh, whatever happened to others. `behind`, `currencies`: see `inside`.
    """
    asked = _askable(definitions, states, now_ms)
    if not asked:
        return set()
    found = marks(engine, site.name, min(states[one.id].block for one in asked))
    late = {one.id for one in asked if now_ms - states[one.id].as_of <= behind.get(one.id, -1)}
    asked = _based(engine, site, asked, states, now_ms, late=late, currencies=currencies)
    news: dict[tuple[int, ...], bool] = {}  # most of them were refreshed together
    ready = set()
    for one in asked:
        state = states[one.id]
        may = one.id in late
        seen = (may, state.as_of, state.block, state.inserts, state.moved, state.listed)
        if seen not in news and may and found.listed <= max(0, state.listed - LISTED_MARGIN):
            news[seen] = False  # only the suppression list could tell more, and there is none
        if seen not in news:
            new = found.recent(state.block) - found.all_of(state)
            since = (state.moved, state.as_of) if not may else (_NO_VERSION, now_ms)
            told = happened_to(
                engine,
                site.name,
                people,
                blocks=() if may else new,
                moved=since[0],
                listed=state.listed,
                after=since[1],
                now_ms=now_ms,
            )
            news[seen] = bool(told)
        if not news[seen]:
            ready.add(one.id)
    return ready


def _askable(definitions: Sequence[Definition], states: Mapping[str, Membership], now_ms: int) -> list[Definition]:
    """Those that are stored, and of which a person's own events and the clock say who is in."""
    foreseeable = [one for one in definitions if one.id in states and expiry.foreseeable(one.rule)]
    return [one for one in foreseeable if 0 < states[one.id].as_of <= now_ms]


def _based(
    engine: Engine,
    site: Site,
    asked: Sequence[Definition],
    states: Mapping[str, Membership],
    now_ms: int,
    *,
    late: Collection[str] = (),
    currencies: MutableMapping[str, str | None] | None = None,
) -> list[Definition]:
    """Those of them that were judged by the rules of now; of those in `late`, by the main currency of their refresh.

    To find it all purchases of the site are read. It is not asked for again while all that depend on it are in `late`
    and were judged by the one in `currencies`.
    """
    kept = {} if currencies is None else currencies
    worth = [one for one in asked if expiry.worth(one.rule)]
    if site.name not in kept or not all(
        one.id in late and states[one.id].basis == basis(site, one, kept[site.name]) for one in worth
    ):
        kept[site.name] = main_currency(engine, site.name, worth, now_ms)
    return [one for one in asked if states[one.id].basis == basis(site, one, kept[site.name])]


def _since(site: Site, as_of: int, now_ms: int) -> dict[str, Param]:
    return {"site": site.name, "after": as_of, "now": now_ms}


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
    behind: Mapping[str, int] | None = None,
    currencies: MutableMapping[str, str | None] | None = None,
) -> dict[str, str]:
    """Audience -> verdict, of those that one of these persons is in now: all asked at once. `people`: keys.

    `behind`: audience -> by how much (ms) its stored members may be behind, where something happened to these persons;
    the suppression list never is. `currencies`: site -> its main currency as it was found last; kept by the caller from
    one question to the next, and filled here.
    """
    if not definitions or not people:
        return {}
    ready = fresh_for(
        engine, site, definitions, states, people=people, now_ms=now_ms, behind=behind or {}, currencies=currencies
    )
    sure = [one for one in definitions if one.id in ready]
    left = [one for one in definitions if one.id not in ready]
    answers: dict[str, str] = {}
    if sure:
        given: dict[str, Param] = {"site": site.name, "audiences": [one.id for one in sure], "people": list(people)}
        answers |= {str(one): str(why) for one, why in engine.ask(fill(load(__package__, "in_now"), params=given)).rows}
    if left:
        with _ONE_AT_A_TIME:
            answers |= judged(engine, site, left, people, now_ms)
    return answers


def judged(
    engine: Engine, site: Site, definitions: Sequence[Definition], people: Sequence[int], now_ms: int
) -> dict[str, str]:
    """As `inside`, computed from the events of these persons."""
    answers: dict[str, str] = {}
    currency = main_currency(engine, site.name, definitions, now_ms)
    base = judging.few(site.name, events_source(engine), people)
    for query in judging.statements(engine, site, base, definitions, now_ms=now_ms, currency=currency):
        answers |= {
            str(audience): str(verdict) for audience, _, is_in, _, _, verdict, _ in engine.ask(query).rows if is_in
        }
    return answers
