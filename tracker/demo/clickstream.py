"""The sample shop's click-stream as native events: 31,106 of them, 600 people, January to June 2024 (UTC).

Source: `data/ecom.csv.gz`, from the package retentioneering 5.2.4 (Apache-2.0, `data/LICENSE`, `data/NOTICE`). Rows
become events one to one, in the file's order; ids come from row numbers, so loading twice counts once.

A person of the file is a person of every report. One browser a platform: 180 people come from several, and those (and
everybody who buys) sign in: their events carry `user` from the first account, shipping, payment or purchase event on
that browser, or from the first event at all where there is none. Identity by visitor gives the rest of their history.
"""

from __future__ import annotations

import csv
import gzip
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from tracker.core.event import RawEvent
from tracker.demo import people
from tracker.demo.catalogue import CURRENCY
from tracker.demo.journeys import Journey

FILE = Path(__file__).parent / "data" / "ecom.csv.gz"
EVENTS = 31_106
FIRST_DAY = date(2024, 1, 4)
LAST_DAY = date(2024, 6, 29)

_IDS = uuid.UUID("6c1f8a52-7f0e-4a5c-9d53-2a3e5a1f7b10")
_SIGNS_IN = frozenset({"account_page", "shipping_details", "payment_details", "purchase"})

Row = dict[str, str]


def rows(file: Path = FILE) -> Iterator[Row]:
    """The file as it is."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)


def events(*, last_day: date | None = None, file: Path = FILE) -> Iterator[RawEvent]:
    """All events, person by person and in order of time within a person, as history.

    `last_day` moves the whole stream by whole days so that it ends on that day; None keeps the original dates.
    """
    shift = (last_day - LAST_DAY) // timedelta(milliseconds=1) if last_day else 0
    number = 0
    for user, group in groupby(rows(file), key=lambda row: row["user_id"]):
        mine = list(group)
        yield from _person(user, mine, number, shift)
        number += len(mine)


def load(today: date | None = None) -> Iterator[RawEvent]:
    """What `tracker demo` loads: the stream moved so that its last day is yesterday (UTC)."""
    return events(last_day=(today or datetime.now(UTC).date()) - timedelta(days=1))


def visitor_of(user: str, platform: str) -> str:
    """The id that the pixel would have kept in that browser."""
    return str(uuid.uuid5(_IDS, f"{user} {platform}"))


def signed_in(mine: list[Row]) -> dict[str, int]:
    """Platform -> index of the first row that carries `user`. Empty for people who never say who they are."""
    platforms = {row["platform"] for row in mine}
    if len(platforms) == 1 and not any(row["event"] == "purchase" for row in mine):
        return {}
    first: dict[str, int] = {}
    for platform in platforms:
        own = [at for at, row in enumerate(mine) if row["platform"] == platform]
        first[platform] = next((at for at in own if mine[at]["event"] in _SIGNS_IN), own[0])
    return first


def _person(user: str, mine: list[Row], number: int, shift: int) -> Iterator[RawEvent]:
    journey = Journey(user)
    home = people.place(user)
    known = signed_in(mine)
    session = ""
    for at, row in enumerate(mine):
        platform = row["platform"]
        landing = row["acquisition_channel"] if row["session_id"] != session else None
        session = row["session_id"]
        ua, screen = people.agent(user, platform)
        fields = journey.step(row["event"], session, at, landing)
        fields["props"] = {
            **fields.get("props", {}),
            "user_cohort": row["user_cohort"],
            "user_lifecycle": row["user_lifecycle"],
        }
        if "value" in fields:
            fields["currency"] = CURRENCY
        yield RawEvent(
            message_id=str(uuid.uuid5(_IDS, str(number + at))),
            ts=_ms(row["timestamp"]) + shift,
            visitor=visitor_of(user, platform),
            session=session,
            seq=at + 1,
            consent=people.consent(user),
            language=home.language,
            timezone=home.timezone,
            screen=screen,
            ip=people.address(user),
            ua=ua,
            library="sample-shop",
            **_known(user, row, at, known),
            **fields,
        )


def _known(user: str, row: Row, at: int, known: dict[str, int]) -> dict[str, Any]:
    """Who it is, once a browser is signed in; what the shop knows of the person comes with the sign-in."""
    first = known.get(row["platform"])
    if first is None or at < first:
        return {}
    if at > first:
        return {"user": user}
    traits = {"email": people.email(user), "cohort": row["user_cohort"], "lifecycle": row["user_lifecycle"]}
    return {"user": user, "traits": traits}


def _ms(text: str) -> int:
    return round(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp() * 1000)
