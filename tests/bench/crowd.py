"""A site with as many persons as one likes, made in the store with SQL, and a hundred audiences of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import insert

from dashboard.recipes import RECIPES
from tracker.catalog import Catalog
from tracker.catalog.tables import VaultRow
from tracker.core.identifiers import Identifier, Keys, email_forms, seal
from tracker.store.engine import Engine, Param, Query
from tracker.store.sql import Fragment
from tracker.store.sql import fill as fill_slots

SITE = "shop"
AT_ONCE = 500_000  # persons in one insert
FUNNEL = [{"event": one} for one in ("view_item", "add_to_cart", "begin_checkout", "purchase")]

# Person n: some events (`each`, or one or two more) within three hours, some time in the last 30 days. Every tenth (or
# `every`th) has an account, `u<n>`: some of its events carry it, the others belong to it by `person_map`.
_EVENTS = """
insert into events (
    site, event, key, ts, id, arrival, seq, type, visitor, user, session, url, host, path, referrer_host, title,
    channel, country, device, os, browser, value, currency, props, analytics, ads, mode, received
)
select
    'shop', event, if(user = '', xxHash64(concat('v:', visitor)), xxHash64(concat('u:', user))),
    fromUnixTimestamp64Milli(at, 'UTC'), generateUUIDv4(), toUInt64(at) * 16000 + n % 16000, place, 'track',
    visitor, user, toString(dice % 100000), concat('https://shop.example/p/', toString(dice % 500)), 'shop.example',
    concat('/p/', toString(dice % 500)), ['www.google.com', '', 'news.example'][dice % 3 + 1],
    'A product of the shop', ['search', 'direct', 'email', 'paid'][dice % 4 + 1],
    ['DE', 'FR', 'US', 'PL', ''][n % 5 + 1], ['mobile', 'desktop'][dice % 2 + 1], 'Android', 'Chrome',
    if(event = 'purchase', dice % 20000 / 100, null),
    'EUR',
    if(event = 'survey_answered', concat('{"survey":"nps","score":', toString(dice % 11), '}'),
        concat('{"category":"c', toString(dice % 50), '","color":"blue","in_stock":true}')),
    1, if(n % 25 = 0, 0, 1), 'M4', fromUnixTimestamp64Milli(at, 'UTC')
from (
    select
        number as n, place, intHash64(number * 8 + place) as dice, concat('v', toString(n)) as visitor,
        if(n % {every:UInt64} = 0 and place > 0, concat('u', toString(n)), '') as user,
        multiIf(
            place = 0, 'view_item', n % {every:UInt64} = 0 and place = 1, 'login', dice % 16 < 5, 'view_item',
            dice % 16 < 8, 'search', dice % 16 < 11, 'add_to_cart', dice % 16 < 13, 'begin_checkout',
            dice % 16 = 13, 'purchase', dice % 16 = 14,
            'email_open', 'survey_answered'
        ) as event,
        {now:Int64} - 10800000 - toInt64(intHash64(number + 77) % 2580000000) + place * 1800000
            + toInt64(dice % 1000000) as at
    from numbers({from:UInt64}, {some:UInt64}) array join range({each:UInt8} + number % 3) as place
)
"""
_MAP = """
insert into person_map (site, key, person, version)
select 'shop', xxHash64(concat('v:v', toString(number))), xxHash64(concat('u:u', toString(number))), 1
from numbers({from:UInt64}, {people:UInt64}) where number % {every:UInt64} = 0
"""
_LINKS = """
insert into identity_links (site, kind, source, target, ts, arrival)
select 'shop', 'identify', concat('v', toString(number)), concat('u', toString(number)),
    fromUnixTimestamp64Milli({now:Int64} - 2592000000, 'UTC'), number
from numbers({from:UInt64}, {people:UInt64}) where number % {every:UInt64} = 0
"""


_STAND_IN = """
insert into /*table*/ (
    site, audience, person, entered, entered_by, left_at, left_by, verdict, granted, arm, armed, version
)
select
    'shop', audience, person, {now:Int64}, 'definition', 0, '', if(holdout, 'holdout', 'exportable'), 1,
    if(holdout, 'holdout', 'exposed'), {now:Int64}, 0
from (
    select
        xxHash64(concat(if(number % 10 = 0, 'u:u', 'v:v'), toString(number))) as person,
        arrayJoin(arrayFilter(
            (one, share, nth) -> if(
                share < 0, number % 10 = 0, intHash64(number * 128 + nth) < share * 18446744073709551615.
            ),
            {audiences:Array(String)}, {shares:Array(Float64)}, arrayEnumerate({audiences:Array(String)})
        )) as audience,
        intHash32(number + cityHash64(audience)) % 10 = 0 as holdout
    from numbers({from:UInt64}, {some:UInt64})
)
where person not in (select person from touched_people)
"""


def fill(engine: Engine, people: int, now_ms: int, *, each: int = 3, first: int = 0, every: int = 10) -> None:
    """The events, `each` at least, of `people` persons from `first` on, and who has an account: each `every`th."""
    for start in range(first, first + people, AT_ONCE):
        some = min(AT_ONCE, first + people - start)
        params: dict[str, Param] = {"now": now_ms, "from": start, "some": some, "each": each, "every": every}
        engine.command(Query(text=_EVENTS, params=params))
    who: dict[str, Param] = {"from": first, "people": people, "every": every}
    engine.command(Query(text=_MAP, params=who))
    engine.command(Query(text=_LINKS, params={**who, "now": now_ms}))


def stand_in(engine: Engine, shares: Mapping[str, float], people: int, now_ms: int) -> None:
    """Make a share of all persons, drawn by chance, members of each audience, whatever its rule says; -1: all accounts.

    Those in `touched_people` stay as they were judged.
    """
    for start in range(0, people, AT_ONCE):
        params: dict[str, Param] = {
            "audiences": list(shares),
            "shares": list(shares.values()),
            "now": now_ms,
            "from": start,
            "some": min(AT_ONCE, people - start),
        }
        for table in ("members", "members_by_person"):
            engine.command(fill_slots(_STAND_IN, {"table": Fragment(table)}, params))


def fill_vault(catalog: Catalog, keys: Keys, owners: Iterable[str], *, phones: bool = False) -> None:
    """The sealed hash forms of an address of every owner (`u:` + user, `v:` + visitor), and of a number with `phones`,
    as the loader would have written them.
    """
    rows: list[dict[str, Any]] = []
    for n, owner in enumerate(owners):
        forms = email_forms(f"{owner[2:]}@example.org")
        assert forms is not None
        given = [forms]
        if phones:  # phone_forms() looks each number up for a tenth of a millisecond; its forms are these
            number = f"1415{n:07d}"
            hashed = {form: hashlib.sha256(number.encode()).hexdigest() for form in ("p2", "p3", "p4")}
            given.append(Identifier("phone", {"p1": hashlib.sha256(f"+{number}".encode()).hexdigest(), **hashed}))
        sealed = seal(keys, given, os.urandom(12))
        digest = hashlib.sha256(sealed.encode()).hexdigest()
        rows.append({"site": SITE, "owner": owner, "digest": digest, "sealed": sealed})
        if len(rows) == 50_000:
            _put(catalog, rows)
            rows.clear()
    if rows:
        _put(catalog, rows)


def _put(catalog: Catalog, rows: list[dict[str, Any]]) -> None:
    with catalog.vault._database.write() as session:
        session.execute(insert(VaultRow), rows)


def rules(count: int) -> list[dict[str, Any]]:
    """Different rules: the recipes of the dashboard over different times, categories, funnels, worth and accounts."""
    german = {"property": {"property": "country", "op": "eq", "value": "DE"}}
    made: list[dict[str, Any]] = [{"did": {"event": "login"}}]
    for at in range(count):
        days = f"{3 + at}d"
        category = {"property": "props.category", "op": "eq", "value": f"c{at % 50}"}
        kinds: list[dict[str, Any]] = [
            *(recipe.rule(days) for recipe in RECIPES),
            {"did": {"event": "view_item", "where": [category], "within": days}},
            {"dropped": {"funnel": {"steps": FUNNEL, "window": "7d"}, "after_step": at % 3 + 1, "within": days}},
            {"all": [german, {"did": {"event": "search", "within": days}}]},
            {"all": [{"ltv": {"gte": at + 1}}, {"not": german}]},
        ]  # fmt: skip
        made.append(kinds[at % len(kinds)])
    return made[:count]
