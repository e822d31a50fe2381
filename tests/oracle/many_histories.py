"""Many small random histories in one store, put there by the loader as a bad week would.

`TOGETHER` of them are a site: eight are asked about with one question. Each is a site of its own once more, to find out
which of the eight it was. Every history has ties, repeats, late events, events sent twice, visitors who
turn out to be users, users who turn out to be one, bots and a change of the clocks; in some a person is erased.
"""

from __future__ import annotations

import os
import random
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from funnel_oracle import persons, unit_of
from loading import Road, event

from tracker.loader.doubts import months_of
from tracker.loader.rollups import Rollups
from tracker.store import erase
from tracker.store.engine import Query

COUNT = max(8, int(os.environ.get("TRACKER_HISTORIES", "16")))
TOGETHER = 8
ERASED = 64  # of the histories before this one, every 32nd loses a person: an erasure costs half a second
MOST_LINES = 60  # of a history that is printed
NOW = 1_795_000_000_000  # ms, 18 November 2026: when everything has arrived
HOUR, DAY = 3_600_000, 86_400_000
CLOCKS = (  # days of 25, 23, 23.5 and 24 hours
    ("Europe/Berlin", "2026-10-25"),
    ("Australia/Sydney", "2026-10-04"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("America/St_Johns", "2026-11-01"),
    ("Asia/Kathmandu", "2026-10-20"),
    ("UTC", "2026-10-31"),
)
WAYS = (
    ("", ""),
    ("", ""),
    ("", ""),
    ("", "https://www.google.com/"),
    ("", "https://blog.example/post"),
    ("?utm_source=news&utm_medium=email&utm_campaign=spring", ""),
    ("?utm_source=news&utm_medium=email&utm_campaign=sale", ""),
    ("?gclid=abc&utm_campaign=brand", "https://www.google.com/"),
)
AGENTS = (
    "",
    "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0"
    " Mobile/15E148 Safari/604.1",
)
FOUND_OUT = "path channel device browser os utm_source utm_medium utm_campaign click_id_kind referrer_host bot".split()


@dataclass
class Site:
    """A site and the truth about it: `events` as the oracles read them, each once, nobody who was erased."""

    name: str
    zone: str
    change: int  # ms: midnight before the clocks change
    histories: list[int]
    events: list[dict[str, Any]] = field(default_factory=list)
    enriched: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> (path, channel)
    sent: dict[str, Any] = field(default_factory=dict)  # id -> what the loader was given
    twice: int = 0  # ids that came more than once
    rolled: bool = False
    opened: bool = False


class World:
    """All of it in one store. `single`: one history a site; `together`: `TOGETHER` a site."""

    def __init__(self, engine: Any, data: Path, seed: int) -> None:
        self.engine, self.seed, self._road = engine, seed, Road(data, engine)
        self.single: list[Site] = []
        self.together: list[Site] = []
        gone: dict[str, list[str]] = {}
        waves: list[list[Any]] = [[], [], []]
        for first in range(0, COUNT, TOGETHER):
            numbers = list(range(first, min(first + TOGETHER, COUNT)))
            zone, day = CLOCKS[first // TOGETHER % len(CLOCKS)]
            change = round(datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)
            whole = Site(f"together{first}", zone, change, numbers)
            self.together.append(whole)
            for number in numbers:
                told = history(random.Random(f"{seed} {number}"), number, change)
                alone = Site(f"alone{number}", zone, change, [number])
                self.single.append(alone)
                for site in (alone, whole):
                    for wave, one in told:
                        waves[wave].append((site, one))
                if number % (4 * TOGETHER) == 3 and number < ERASED:
                    for site in (alone, whole):
                        gone.setdefault(site.name, []).append(f"v{number}-0")
        self._load(random.Random(f"{seed} waves"), waves)
        self._learn(gone)
        for name, visitors in gone.items():
            for visitor in visitors:
                names = erase.all_names(engine, name, erase.Names(visitors=(visitor,)))
                erase.delete(engine, name, names, ())
        self._count_days()
        self._double()

    def _load(self, chance: random.Random, waves: list[list[Any]]) -> None:
        number = 0
        for wave in waves:
            chance.shuffle(wave)
            batch = []
            for site, one in wave:
                number += 1
                told = {"site": site.name, "arrival": (NOW * 1000 + number) * 16, "received": one["ts"] + HOUR}
                made = event(**{"n": number, **one, **told})
                site.twice += made.id in site.sent
                site.sent.setdefault(made.id, made)  # the first arrival of an id counts
                batch.append(made)
            self._road.load(batch)
            if wave is waves[1]:
                self._open_days()

    def _learn(self, gone: dict[str, list[str]]) -> None:
        """The truth: what was sent, with what the loader found out about pages and agents, which is not in question."""
        sites = {site.name: site for site in (*self.single, *self.together)}
        found = defaultdict(dict)
        for site, id_, *more in self._road.rows(f"toString(site), toString(id), {', '.join(FOUND_OUT)}"):
            found[site][id_] = dict(zip(FOUND_OUT, more, strict=True))
        for site in sites.values():
            assert found[site.name].keys() == site.sent.keys(), "not stored once each"
            for id_, more in found[site.name].items():
                told = msgspec.structs.asdict(site.sent[id_])
                site.events.append({**told, **more, "event": told.pop("name")})
            settle_users(site.events)
            owners = persons(site.events)
            lost = {unit_of({"user": "", "visitor": name}, {}, owners) for name in gone.get(site.name, ())}
            site.events = [one for one in site.events if unit_of(one, {}, owners) not in lost]
            site.enriched = {one["id"]: (one["path"], one["channel"]) for one in site.events}
        assert sum(len(site.events) < len(site.sent) for site in self.together) > 0, "nobody was erased"

    def _open_days(self) -> None:
        """Some days of other sites were built while they were not over: what comes later is to be added."""
        rollups = Rollups(self.engine, grace=0)
        for site in self.together[1::16]:
            first = site.change // DAY - 3
            for noon in range(first * DAY + DAY // 2, (first + 8) * DAY, 2 * DAY):
                built = sum(map(rollups.build, rollups.open_due(site.name, site.zone, noon)))
                site.opened = site.opened or built > 0

    def _count_days(self) -> None:
        """Some days of every second site are counted already."""
        rollups = Rollups(self.engine, grace=-10)
        for site in self.together[::16]:
            due = [one for one in rollups.due(site.name, site.zone, NOW) if abs(one.number - site.change // DAY) < 5]
            site.rolled = sum(map(rollups.build, due)) > 0

    def _double(self) -> None:
        """An insert whose outcome is not known was repeated: three rows in ten are there twice, and stay so."""
        self.engine.command(Query(text="optimize table events final"))
        self.engine.command(Query(text="system stop merges events"))
        self._road.loader.doubts.open(months_of(one["ts"] for site in self.together for one in site.events))
        rolled = [site.name for site in self.together if site.rolled]
        where = "cityHash64(id) % 10 < 3 and site not in {rolled:Array(String)}"
        self.engine.command(
            Query(text=f"insert into events select * from events where {where}", params={"rolled": rolled})
        )


def history(chance: random.Random, number: int, change: int) -> list[tuple[int, dict[str, Any]]]:
    """(wave, fields of an event) of one history: three to six browsers around the day when the clocks change."""
    found: list[tuple[int, dict[str, Any]]] = []
    users = [f"u{number}-{at}" for at in range(chance.randint(1, 3))]
    for browser in range(chance.randint(3, 6)):
        visitor, agent = f"v{number}-{browser}", chance.choice(AGENTS)
        for _ in range(chance.randint(1, 4)):
            near = chance.choice((-2, -1, 0, 0, 1, 1, 2, 7, -7, chance.randint(-8, 14)))
            at = change + near * DAY + chance.choice((0, -1, 1, HOUR * 2, HOUR * 3, chance.randrange(DAY)))
            for _ in range(chance.randint(1, 5)):
                at += chance.choice((0, 0, 0, 1000, 60_000, 29 * 60_000, 30 * 60_000, 31 * 60_000, 2 * HOUR))
                one = some_event(chance, at, visitor, users)
                one["ua"] = agent
                found.append((chance.choice((0, 0, 1, 2)), one))
    return [*found, *again(chance, found)]


def some_event(chance: random.Random, at: int, visitor: str, users: list[str]) -> dict[str, Any]:
    """One event of a browser, or of a server that knows the user only."""
    name = chance.choice(
        ("a", "a", "b", "b", "c", "x", "page_view", "page_view", "page_view", "purchase", "purchase", "survey_answered")
        + (("js_error", "page_not_found", "web_vital", "feedback_sent") if chance.random() < 0.3 else ())
    )
    user = chance.choice(users) if chance.random() < 0.2 else ""
    if user and chance.random() < 0.15:
        visitor = ""
    one: dict[str, Any] = {
        "id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "name": name,
        "ts": at,
        "visitor": visitor,
        "user": user,
        "session": chance.choice(("", "1", "2")),
        "seq": chance.randint(0, 2),
        "type": "page" if name == "page_view" else chance.choice(("track",) * 12 + ("identify",)),
        "country": chance.choice(("", "DE", "FR", "US")),
        "props": {"n": chance.choice((0, 1, 2, "2", "x"))} if chance.random() < 0.6 else {},
        "traits": {"plan": chance.choice(("free", "pro"))} if chance.random() < 0.15 else {},
        "bot": "crawler" if chance.random() < 0.03 else "",
        "ads": chance.choice((-1, -1, 0, 1, 1)),
        "gpc": int(chance.random() < 0.01),
    }
    if one["session"]:
        one["session"] = f"{visitor or user}.{one['session']}"
    if user and chance.random() < 0.15 and (other := chance.choice([*users, users[0].replace("u", "v")])) != user:
        one |= {"previous": other, "type": "alias"}
    if name in ("page_view", "page_not_found", "web_vital"):
        query, referrer = chance.choice(WAYS)
        page = chance.choice(("/", "/a", "/a/", "/b/1", "/b/2", "/c"))
        one |= {"url": f"https://shop.example{page}{query}", "referrer": referrer}
    if name == "purchase" or chance.random() < 0.05:
        one |= {"value": chance.choice((5.0, 10.0, 10.0, 99.99, 0.1, -5.0, None))}
        one |= {"currency": chance.choice(("EUR", "EUR", "EUR", "USD", "JPY", ""))}
    one["props"] |= {
        "survey_answered": {"survey": chance.choice(("nps", "csat")), "score": chance.choice((0, 3, 6, 7, 10, "6"))},
        "js_error": {"message": chance.choice(("x is null", "y is not a function"))},
        "web_vital": {"metric": "LCP", "rating": chance.choice(("poor", "good"))},
        "feedback_sent": {"topic": chance.choice(("idea", "problem")), "rating": 2},
    }.get(name, {})
    return one


def again(chance: random.Random, found: list[tuple[int, dict[str, Any]]]) -> list[tuple[int, dict[str, Any]]]:
    """Some events once more in a later batch: the same id, sometimes with another story, which must not count."""
    twice = []
    for wave, one in found:
        if wave < 2 and chance.random() < 0.1:
            changes = {"ts": one["ts"] - HOUR, "user": f"{one['user']}x", "value": 1000.0, "currency": "EUR"}
            twice.append((2, {**one, **(changes if chance.random() < 0.5 else {})}))
    return twice


def settle_users(events: list[dict[str, Any]]) -> None:
    """Merged users get one name: that which the latest alias of their group points at."""
    merges = [one for one in events if one["user"] and one["previous"] not in ("", one["user"])]
    group = {name: {name} for one in merges for name in (one["user"], one["previous"])}
    for one in merges:
        joined = group[one["user"]] | group[one["previous"]]
        for name in joined:
            group[name] = joined
    for one in events:
        theirs = [merge for merge in merges if merge["user"] in group.get(one["user"], ())]
        if theirs:
            one["settled"] = max(theirs, key=lambda merge: (merge["ts"], merge["arrival"], merge["user"]))["user"]
    for one in events:
        one["user"] = one.pop("settled", one["user"])


DEEDS = ("tied", "repeated", "late", "twice", "identified", "changed", "merged", "clocks")


def deeds(site: Site) -> set[str]:
    """Which of `DEEDS` happened in a site."""
    rows = sorted(site.events, key=lambda one: (one["ts"], one["seq"], one["arrival"]))
    users, found = defaultdict(set), set()
    for one, after in pairwise(rows):
        if one["ts"] == after["ts"]:
            found.add("tied")
            found |= {"repeated"} if one["event"] == after["event"] else set()
        if one["arrival"] > after["arrival"]:
            found.add("late")
        if one["visitor"] and one["user"]:
            users[one["visitor"]].add(one["user"])
        if one["previous"]:
            found.add("merged")
        if one["ts"] < site.change + DAY <= after["ts"]:
            found.add("clocks")
    found |= {"twice"} if site.twice else set()
    found |= {"identified"} if any(one["visitor"] in users and not one["user"] for one in rows) else set()
    return found | ({"changed"} if any(len(names) > 1 for names in users.values()) else set())


def printed(site: Site) -> str:
    """The history, a line an event, without what is empty."""
    lines = []
    for one in sorted(site.events, key=lambda each: (each["ts"], each["seq"], each["arrival"])):
        moment = datetime.fromtimestamp(one["ts"] / 1000, ZoneInfo(site.zone)).isoformat(timespec="milliseconds")
        skip = {"site", "id", "ts", "received", "arrival", "ua", "url", "referrer", "event"}
        rest = {key: value for key, value in one.items() if key not in skip and value not in ("", None, {}, [], -1, 0)}
        lines.append(f"  {moment} #{one['arrival'] // 16 - NOW * 1000} {one['event']} {rest}")
    rest = [f"  and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return "\n".join([*lines[:MOST_LINES], *rest])


def span(chance: random.Random, site: Site, *, days: tuple[int, int] = (1, 12)) -> dict[str, str]:
    """`from` and `to` around the change of the clocks: whole days of the site's zone mostly, sometimes any moments."""
    zone = ZoneInfo(site.zone)
    middle = datetime.fromtimestamp(site.change / 1000, zone)
    start = middle - timedelta(days=chance.randint(0, days[1] // 2))
    end = start + timedelta(days=chance.randint(*days))
    if chance.random() < 0.3:
        start += timedelta(milliseconds=chance.randrange(DAY // 2))
        end += timedelta(milliseconds=chance.choice((0, 1, chance.randrange(DAY))))
    return {"from": start.isoformat(), "to": end.isoformat()}
