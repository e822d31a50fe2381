"""Who is in an audience now, and who of them may leave the house.

Read from the stored members where these are exactly those of now (`stored.fresh`), else computed from all events.
`state` says how far the stored ones are; without it everything is computed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from tracker.analytics import person_card
from tracker.audiences import stored
from tracker.audiences.buyers import Buyers
from tracker.audiences.compile import compile_rule
from tracker.audiences.definition import Definition
from tracker.audiences.journeys import journeys
from tracker.audiences.standing import ALLOWED, REFUSAL, ads_for, salt, signalled
from tracker.catalog.memberships import Membership
from tracker.core.errors import BadRequest
from tracker.core.site import Site
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Answer, Engine, Lines, Param, Query
from tracker.store.shares import share
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import Params

WITHHELD = ("no_consent", "opted_out", "suppressed", "holdout")
ROWS_AT_ONCE = 500_000
IN_A_PIECE = 10_000
"""Persons that a stream gives at a time."""
_SPILL = {"max_bytes_before_external_group_by": 500_000_000, "max_bytes_before_external_sort": 500_000_000}
"""Whoever judges everybody goes on on the disk from here, however many persons a site has."""
MOST_KEYS = 5_000_000
"""Most keys of a segment that a report is asked about: about 40 MB beside each of its questions."""


def preview(
    engine: Engine, site: Site, definition: Definition, now_ms: int, state: Membership | None = None
) -> dict[str, Any]:
    """`{"size", "exportable", "withheld": {...}}`; size = exportable + the sum of withheld."""
    query = _wrap("sizes", _members(engine, site, definition, now_ms, state))
    counts = {str(verdict): int(members) for verdict, members in engine.ask(query).rows}
    return {
        "size": sum(counts.values()),
        "exportable": counts.get("exportable", 0),
        "withheld": {reason: counts.get(reason, 0) for reason in WITHHELD},
    }


def members(
    engine: Engine,
    site: Site,
    definition: Definition,
    now_ms: int,
    *,
    limit: int,
    cursor: str | None,
    state: Membership | None = None,
) -> dict[str, Any]:
    """A page of `{"total", "members": [...], "cursor"}`. Raises BadRequest for a cursor that is none of ours."""
    after = 0
    if cursor is not None:
        if not (cursor.isascii() and cursor.isdigit() and int(cursor) < 2**64):
            raise BadRequest("cursor must be the cursor of the page before", field="cursor")
        after = int(cursor)
    verdicts = _members(engine, site, definition, now_ms, state)
    rows = engine.ask(_wrap("members", verdicts, after=after, limit=limit)).dicts()
    total = rows[0]["total"] if rows else preview(engine, site, definition, now_ms, state)["size"]
    cards = person_card.cards(engine, site.name, "person", [row["who"] for row in rows])
    return {
        "total": total,
        "members": [
            {**cards[row["who"]], "withheld": None if row["verdict"] == "exportable" else row["verdict"]}
            for row in rows
            if row["who"] in cards
        ],
        "cursor": str(rows[-1]["who"]) if len(rows) == limit else None,
    }


def judge(
    engine: Engine,
    site: Site,
    definition: Definition,
    now_ms: int,
    state: Membership | None = None,
    *,
    vendor: int | None = None,
) -> Iterator[tuple[int, str, bool]]:
    """(person's key, verdict, said yes to ads) of every member, each once, in the order of their keys. `exportable`:
    may leave the house.

    `vendor`: for the network with this number in the Global Vendor List; None for anywhere.
    """
    query = _wrap("in_order", _members(engine, site, definition, now_ms, state, vendor=vendor))
    with closing(engine.stream(replace(query, settings=_SPILL), IN_A_PIECE)) as pieces:
        for piece in pieces:
            yield from piece.rows


def judged_with(
    engine: Engine,
    site: Site,
    definition: Definition,
    people: Sequence[int],
    *,
    more: Mapping[str, str],
    params: Mapping[str, Param] | None = None,
    vendor: int | None = None,
) -> Generator[Answer, None, None]:
    """As `gate`, of any number of persons in the order of their keys, with more of what their events say.

    `more`: name of a column -> an aggregate of ours over all their events, which may name `params`.
    """
    given = Lines(text=["".join([f"{person}\n" for person in people]).encode()])
    query = _verdicts(
        engine,
        site,
        definition,
        only=Fragment(load(__package__, "keys_given")),
        rule=Fragment("true"),
        vendor=vendor,
        more=more,
        params=params,
    )
    return engine.stream(replace(_wrap("in_order", query), tables={"people": given}), IN_A_PIECE)


def gate(
    engine: Engine, site: Site, definition: Definition, people: Sequence[int], vendor: int | None = None
) -> dict[int, tuple[str, bool]]:
    """Person's key -> (verdict, said yes to ads), as of now and whatever the rule says. Erased persons have none."""
    if not people:
        return {}
    theirs = Fragment(f" and key in {persons.keys_of('gated').text}", {"gated": list(people)})
    rows = engine.ask(_verdicts(engine, site, definition, only=theirs, rule=Fragment("true"), vendor=vendor)).rows
    return {int(person): (str(verdict), bool(granted)) for person, verdict, granted in rows}


def matching(engine: Engine, definition: Definition, now_ms: int) -> Sequence[int]:
    """Keys of all visitors and users of whom the rule finds, consent or not. Raises BadRequest over `MOST_KEYS`."""
    query = fill(
        load(__package__, "matching"),
        {
            "person": Fragment(persons.PERSON),
            "events": events_source(engine),
            "persons": persons.join(),
            "rule": _rule(engine, definition, now_ms),
        },
        {"site": definition.site, "most": MOST_KEYS + 1},
    )
    found: Sequence[int] = engine.ask(query).rows[0][0]
    if len(found) > MOST_KEYS:
        raise BadRequest(
            f"the segment holds more than {MOST_KEYS} visitors and users; narrow its rule",
            code="segment_too_large",
            field="segment",
        )
    return found


def keys(engine: Engine, site: str, audience: str, exportable: int) -> Iterator[Sequence[int]]:
    """Keys of all visitors and users of the stored members who may leave the house, sorted, some `ROWS_AT_ONCE` at a
    time; `exportable`: how many members that are, about.
    """
    parts, text = max(1, -(-exportable // ROWS_AT_ONCE)), load(__package__, "keys")
    theirs: dict[str, Param] = {"site": site}
    with closing(engine.session()) as session:
        session.command(Query(text=load(__package__, "keys_inside"), params={**theirs, "audience": audience}))
        session.command(Query(text=load(__package__, "keys_theirs"), params=theirs))
        for part in range(parts):
            first, last = share(part, parts)
            [(found,)] = session.ask(Query(text=text, params={"first": first, "last": last})).rows
            yield found


def _members(
    engine: Engine,
    site: Site,
    definition: Definition,
    now_ms: int,
    state: Membership | None,
    *,
    vendor: int | None = None,
) -> Query:
    """The stored verdicts are those for anywhere; for one network everybody is judged."""
    if vendor is None and state is not None and stored.fresh(engine, site, definition, now_ms, state):
        return stored.verdicts(site.name, definition.id)
    rule = _lasting(_rule(engine, definition, now_ms), definition, now_ms)
    return _verdicts(engine, site, definition, only=Fragment(""), rule=rule, vendor=vendor)


def _rule(engine: Engine, definition: Definition, now_ms: int) -> Fragment:
    events, params = events_source(engine), Params("a")
    rule = compile_rule(
        definition.rule,
        params,
        now_ms=now_ms,
        journeys=journeys(engine, definition.site, events, params, now_ms),
        buyers=Buyers(definition.site, events, params, now_ms),
    )
    return Fragment(rule, params.values)


def _lasting(rule: Fragment, definition: Definition, now_ms: int) -> Fragment:
    """The rule of a membership that ends when nothing was heard of a person for its duration."""
    heard = max(0, now_ms - definition.duration_ms + 1) * 16_000  # an arrival: microseconds x 16
    return Fragment(
        f"({rule.text}) and maxIf(arrival, bot = '') >= {{heard_since:UInt64}}", {**rule.params, "heard_since": heard}
    )


def _verdicts(
    engine: Engine,
    site: Site,
    definition: Definition,
    *,
    only: Fragment,
    rule: Fragment,
    vendor: int | None = None,
    more: Mapping[str, str] | None = None,
    params: Mapping[str, Param] | None = None,
) -> Query:
    return fill(
        load(__package__, "verdicts"),
        {
            "allowed": Fragment(ALLOWED[site.consent]),
            "ads": ads_for(vendor),
            "signalled": signalled(site),
            "person": Fragment(persons.PERSON),
            "events": events_source(engine),
            "persons": persons.join(),
            "listed": persons.suppressed(),
            "only": only,
            "rule": rule,
            "more": Fragment(
                "".join(f", {aggregate} as {name}" for name, aggregate in (more or {}).items()), params or {}
            ),
            "shown": Fragment("".join(f", {name}" for name in more or {})),
        },
        {
            "site": site.name,
            "salt": salt(site, definition.id),
            "holdout": definition.holdout,
            "refusal": REFUSAL[site.consent],
        },
    )


def _wrap(name: str, verdicts: Query, **params: int | str) -> Query:
    return fill(load(__package__, name), {"verdicts": Fragment(verdicts.text, verdicts.params)}, params)
