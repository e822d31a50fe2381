"""Members of audiences: judging everybody, a refresh after new events, the way from event to lookup, exports.

    python tests/bench/bench_audiences.py [--people 1000000] [--audiences 100] [--events 10000] [--whole 100]

Embedded engine; three events a person over 30 days, a tenth of the persons recognised on a second browser. `--whole`:
how many audiences are really judged as a whole (the rest begins with no members). Prints wall and processor seconds;
asserts nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from loading import Road, event

from tracker.audiences import marks, membership
from tracker.audiences.definition import Definition, stored
from tracker.audiences.refresh import Refresher
from tracker.catalog.memberships import Membership
from tracker.core import membership as files
from tracker.core.identity import visitor_key
from tracker.store.embedded import Embedded
from tracker.store.engine import Engine, Query
from tracker.store.migrate import migrate
from tracker.wiring.segments import Segments, write

DAY = 86_400_000
NAMES = ("view_item", "add_to_cart", "begin_checkout", "purchase", "search")
FILL = """
insert into events
    (site, event, key, ts, id, arrival, seq, visitor, user, value, currency, country, props, ads, session)
select 'shop', ['view_item','view_item','view_item','add_to_cart','begin_checkout','purchase','search'][n % 7 + 1],
    if(user != '', xxHash64(concat('u:', user)), xxHash64(concat('v:', visitor))),
    fromUnixTimestamp64Milli({now:Int64} - intHash64(n) % (30 * 86400000), 'UTC') as ts, generateUUIDv4(),
    ({now:UInt64} * 1000 - n % 1000000) * 16, 0, concat('v', toString(who)) as visitor,
    if(who % 10 = 0 and n % 3 = 0, concat('u', toString(who)), '') as user,
    if(n % 7 = 5, toFloat64(intHash32(n) % 200), null), 'EUR', ['DE', 'FR', 'US', ''][who % 4 + 1],
    concat('{"category":"c', toString(intHash32(n) % 50), '"}'), 1, toString(n)
from (select number as n, intHash64(number) % {people:UInt64} as who from numbers({from:UInt64}, {rows:UInt64}))
"""
MAP = """
insert into person_map (site, key, person, version)
select 'shop', xxHash64(concat('v:v', toString(number * 10))), xxHash64(concat('u:u', toString(number * 10))), 1
from numbers(intDiv({people:UInt64}, 10))
"""


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long this takes."""
    wall, work = time.perf_counter(), time.process_time()
    yield
    print(f"{what:58} {time.perf_counter() - wall:8.2f} s wall {time.process_time() - work:8.2f} s work", flush=True)


def rule(at: int) -> dict[str, object]:
    """A hundred different ones of the usual kinds."""
    category = {"property": "props.category", "op": "eq", "value": f"c{at % 50}"}
    steps = [{"event": one} for one in NAMES[:4]]
    kinds: list[dict[str, object]] = [
        {"all": [{"did": {"event": "view_item", "where": [category]}}, {"not": {"did": {"event": "purchase"}}}]},
        {"did": {"event": "add_to_cart", "within": f"{at % 20 + 1}d"}},
        {"dropped": {"funnel": {"steps": steps, "window": "7d"}, "after_step": at % 3 + 1, "within": "14d"}},
        {"did": {"event": "purchase", "count": {"gte": 2}, "value": {"sum": "value", "gte": at}}},
        {"all": [{"property": {"property": "country", "op": "eq", "value": "DE"}}, {"did": {"event": "search"}}]},
    ]
    return kinds[at % 5]


def fill(engine: Engine, people: int, now: int) -> None:
    """Three events a person, a million rows at a time."""
    rows = 3 * people
    for start in range(0, rows, 2_000_000):
        params = {"people": people, "now": now, "from": start, "rows": min(2_000_000, rows - start)}
        engine.command(Query(text=FILL, params=params))
    engine.command(Query(text=MAP, params={"people": people}))


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, number in (("people", 1_000_000), ("audiences", 100), ("events", 10_000), ("whole", 100)):
        parser.add_argument(f"--{name}", type=int, default=number)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracker-bench-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        engine = Embedded(Path(folder) / "store")
        migrate(engine)
        measure(engine, Road(data, engine), asked)
        engine.close()


def measure(engine: Engine, road: Road, asked: argparse.Namespace) -> None:
    """All figures, in order."""
    now = time.time_ns() // 1_000_000
    site = road.catalog.sites.create("shop", consent="opt-out")
    with timed(f"{asked.people:,} persons, {3 * asked.people:,} events put into the store"):
        fill(engine, asked.people, now)
    more = {"duration": "540d", "holdout": 0.1, "refresh": "1m"}
    saved = [road.catalog.audiences.create("shop", f"a{at}", rule(at), **more) for at in range(asked.audiences)]
    definitions = [stored(one, lambda other: road.catalog.audiences.get(other).rule) for one in saved]
    refresher, states = Refresher(engine), {one.id: Membership(audience=one.id, site="shop") for one in definitions}
    with timed(f"{asked.whole} audiences judged as a whole"):
        for one in definitions[: asked.whole]:
            states[one.id] = refresher.whole(site, one, states[one.id], now, None).state
    begin(engine, states, definitions[asked.whole :], now)
    print(f"{sum(one.members for one in states.values()):,} members")
    for label in ("the first", "the second"):
        road.load(fresh(asked, now, label == "the second"))
        with timed(f"{label} refresh of {asked.audiences} audiences after {asked.events:,} events"):
            done = refresher.some(site, definitions, states, now + 1000, None)
        states |= {one.state.audience: one.state for one in done}
        print(f"  {done[0].state.judged:,} persons judged")
    for state in states.values():
        road.catalog.memberships.save([state])
    lookup(engine, road, states)
    with timed("judging the largest audience for an export, stored"):
        largest = max(definitions, key=lambda one: states[one.id].members)
        count = sum(1 for _ in membership.judge(engine, site, largest, now + 1000, states[largest.id]))
    print(f"  {count:,} members")


def begin(engine: Engine, states: dict[str, Membership], definitions: list[Definition], now: int) -> None:
    """Audiences that begin without members: as if judged as a whole by now."""
    found = marks.marks(engine, "shop", 0)
    for one in definitions:
        states[one.id] = Membership(
            audience=one.id, site="shop", basis="bench", as_of=now, block=found.block,
            inserts=len(found.blocks), moved=found.moved, listed=found.listed, whole_at=now,
        )  # fmt: skip


def fresh(asked: argparse.Namespace, now: int, again: bool) -> list[object]:
    """New events of visitors all over the site."""
    first = 10**9 + again * asked.events
    return [
        event(
            first + n,
            name=NAMES[n % 5],
            visitor=f"v{(first + n) * 7919 % asked.people}",
            ts=now,
            received=now,
            arrival=now * 16_000 + n,
            props={"category": f"c{n % 50}"},
            ads=1,
        )
        for n in range(asked.events)
    ]


def lookup(engine: Engine, road: Road, states: dict[str, Membership]) -> None:
    """From an event's acknowledgement by the loader to the file that pages are answered from."""
    biggest = max(states.values(), key=lambda one: one.exportable)
    path = files.path_of(road.data, "shop", biggest.audience)
    with timed(f"the file of {biggest.exportable:,} members"):
        write(engine, path, biggest)
    audience = road.catalog.audiences.create(
        "shop", "now", {"did": {"event": "just_now"}}, duration="30d", holdout=0.0, refresh="1m"
    )
    stop = threading.Event()
    rounds = Segments(engine, road.catalog, road.data, stop)
    with timed("a round of the chore, with all files"):
        rounds.round()
    rounds.start()
    time.sleep(10)
    now = time.time_ns() // 1_000_000
    one = event(2 * 10**9, name="just_now", visitor="somebody", ts=now, received=now, arrival=now * 16_000, ads=1)
    began = time.perf_counter()
    road.load([one])
    file = files.path_of(road.data, "shop", audience.id)
    while time.perf_counter() - began < 120:
        if file.exists() and files.read(memoryview(file.read_bytes())).hold(visitor_key("somebody")):
            break
        time.sleep(0.02)
    print(f"event to the lookup of a one-minute audience: {time.perf_counter() - began:.2f} s wall", flush=True)
    stop.set()
    rounds.join()


if __name__ == "__main__":
    main()
