"""Who is in an audience now, and who of them may leave the house. Computed when asked; nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tracker.analytics import person_card
from tracker.audiences.buyers import Buyers
from tracker.audiences.compile import compile_rule
from tracker.audiences.definition import Definition
from tracker.audiences.journeys import journeys
from tracker.core.errors import BadRequest
from tracker.core.identifiers import keyed, keys_of
from tracker.core.identity import visitor_key
from tracker.core.site import Site
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Query
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import Params

WITHHELD = ("no_consent", "opted_out", "suppressed", "holdout")
ROWS_AT_ONCE = 500_000
MOST_KEYS = 5_000_000
"""Most keys of a segment that a report is asked about: about 40 MB beside each of its questions."""

_ALLOWED = {"opt-in": "decided and decision = 1", "opt-out": "not (decided and decision = 0)"}
_ADS = Fragment("ads")
_OF_VENDOR = "if(startsWith(mode, 'M4:'), toInt8(has(splitByChar(',', substring(mode, 4)), {vendor:String})), ads)"
_SIGNALLED = "max(gpc) > 0"
# Neither is a yes that came with the signal undone by it, nor does a yes count that nobody said in so many words.
_SIGNALLED_SINCE = """(countIf(gpc > 0 and ads != 1) > 0 and
    maxIf((ts, arrival), gpc > 0 and ads != 1) >= maxIf((ts, arrival), type = 'consent' and ads = 1))"""
_REFUSAL = {"opt-in": "no_consent", "opt-out": "opted_out"}


def preview(engine: Engine, site: Site, definition: Definition, now_ms: int) -> dict[str, Any]:
    """`{"size", "exportable", "withheld": {...}}`; size = exportable + the sum of withheld."""
    query = _wrap("sizes", _members(engine, site, definition, now_ms))
    counts = {str(verdict): int(members) for verdict, members in engine.ask(query).rows}
    return {
        "size": sum(counts.values()),
        "exportable": counts.get("exportable", 0),
        "withheld": {reason: counts.get(reason, 0) for reason in WITHHELD},
    }


def members(
    engine: Engine, site: Site, definition: Definition, now_ms: int, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """A page of `{"total", "members": [...], "cursor"}`. Raises BadRequest for a cursor that is none of ours."""
    after = 0
    if cursor is not None:
        if not (cursor.isascii() and cursor.isdigit() and int(cursor) < 2**64):
            raise BadRequest("cursor must be the cursor of the page before", field="cursor")
        after = int(cursor)
    verdicts = _members(engine, site, definition, now_ms)
    rows = engine.ask(_wrap("members", verdicts, after=after, limit=limit)).dicts()
    total = rows[0]["total"] if rows else preview(engine, site, definition, now_ms)["size"]
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
    engine: Engine, site: Site, definition: Definition, now_ms: int, vendor: int | None = None
) -> Iterator[tuple[int, str, bool]]:
    """(person's key, verdict, said yes to ads) of every member, each once. `exportable`: may leave the house.

    `vendor`: for the network with this number in the Global Vendor List; None for anywhere.
    """
    size = preview(engine, site, definition, now_ms)["size"]
    shares = max(1, -(-size // ROWS_AT_ONCE))
    for share in range(shares):
        verdicts = _members(engine, site, definition, now_ms, vendor)
        yield from engine.ask(_wrap("share", verdicts, shares=shares, share=share)).rows


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


def keys(engine: Engine, site: Site, definition: Definition, now_ms: int) -> Iterator[Sequence[int]]:
    """Keys of all visitors and users of the members who may leave the house, sorted, some `ROWS_AT_ONCE` at a time."""
    parts = max(1, -(-preview(engine, site, definition, now_ms)["exportable"] // ROWS_AT_ONCE))
    for part in range(parts):
        verdicts = _members(engine, site, definition, now_ms)
        first, last = part * 2**64 // parts, (part + 1) * 2**64 // parts - 1
        yield [row[0] for row in engine.ask(_wrap("keys", verdicts, site=site.name, first=first, last=last)).rows]


def contains(engine: Engine, site: Site, definition: Definition, visitor: str, now_ms: int) -> bool:
    """Whether the person behind this visitor is a member."""
    key = visitor_key(visitor)
    known = engine.ask(fill(load(__package__, "person_of"), params={"site": site.name, "key": key})).rows
    return holds(engine, site, definition, [int(known[0][0]) if known else key], now_ms)


def holds(engine: Engine, site: Site, definition: Definition, people: Sequence[int], now_ms: int) -> bool:
    """Whether one of these persons, by key, is a member."""
    only = Fragment(f" and {persons.PERSON} in {{only_person:Array(UInt64)}}", {"only_person": people})
    rule = _rule(engine, definition, now_ms)
    return any(
        row[1] != "suppressed" for row in engine.ask(_verdicts(engine, site, definition, only=only, rule=rule)).rows
    )


def _members(engine: Engine, site: Site, definition: Definition, now_ms: int, vendor: int | None = None) -> Query:
    rule = _rule(engine, definition, now_ms)
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


def _verdicts(
    engine: Engine, site: Site, definition: Definition, *, only: Fragment, rule: Fragment, vendor: int | None = None
) -> Query:
    secret = keys_of(site.name, site.write_key, site.identifier_key)
    return fill(
        load(__package__, "verdicts"),
        {
            "allowed": Fragment(_ALLOWED[site.consent]),
            "ads": _ADS if vendor is None else Fragment(_OF_VENDOR, {"vendor": str(vendor)}),
            "signalled": Fragment(_SIGNALLED_SINCE if site.privacy.later_opt_in else _SIGNALLED),
            "person": Fragment(persons.PERSON),
            "events": events_source(engine),
            "persons": persons.join(),
            "listed": persons.suppressed(),
            "only": only,
            "rule": rule,
        },
        {
            "site": site.name,
            "salt": keyed(secret, f"holdout:{definition.id}"),
            "holdout": definition.holdout,
            "refusal": _REFUSAL[site.consent],
        },
    )


def _wrap(name: str, verdicts: Query, **params: int | str) -> Query:
    return fill(load(__package__, name), {"verdicts": Fragment(verdicts.text, verdicts.params)}, params)
