"""The nodes that the last questions found, so that the next one need not read a month to learn which there are.

A list is only ever a guess: what it lacks has a code of its own in the answer (`paths_codes.UNKNOWN`), and the question
is asked again with a list made anew. So that this is seldom, the parts of the table that came since are looked through
first.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from weakref import WeakKeyDictionary

from tracker.analytics.paths_codes import MAX_CODES, Codes, among, codes, listed
from tracker.analytics.paths_spec import Group, Spec
from tracker.store.among import Among
from tracker.store.engine import Engine, Query
from tracker.store.sql import Fragment

MAX_NAMES = 100_000
"""Most names that are remembered for one engine, of all its lists together: some tens of megabytes."""

MAX_AGE = 3600.0
"""Seconds after which a list is made anew, so that names of erased events do not stay."""

_EVER = (0, 2**62)

_Kind = tuple[str, str, tuple[Group, ...]]


@dataclass(frozen=True, kw_only=True)
class _List:
    """`names` by hash, of events from `start` to `end` (ms) up to the last of each partition's `blocks`."""

    names: Mapping[int, str]
    start: int
    end: int
    blocks: Mapping[str, int]
    made: float


@dataclass(frozen=True)
class _Part:
    name: str
    partition: str
    last: int


_lists: WeakKeyDictionary[Engine, dict[_Kind, _List]] = WeakKeyDictionary()
_lock = Lock()


def lists(engine: Engine, spec: Spec, events: Fragment) -> Iterator[tuple[Codes, bool]]:
    """Codes to ask with, the next where one turned out to lack a node, and whether they were made just now.

    A cluster's parts are not looked through, and a segment has fewer nodes than its site: theirs are made each time.
    """
    if engine.cluster is not None or isinstance(engine, Among):
        made = codes(engine, spec, events)
    else:
        parts = _parts(engine)
        if (known := _known(engine, spec)) and (known := _with_news(engine, spec, events, known, parts)):
            _keep(engine, spec, known)
            yield Codes(known.names), False
            parts = _parts(engine)
        made = codes(engine, spec, events)
        if made.listed is not None:
            start, end = _range(spec)
            now = time.monotonic()
            _keep(engine, spec, _List(names=made.listed, start=start, end=end, blocks=_blocks(parts), made=now))
    yield made, True
    if not made.whole:
        yield Codes(), True


def _parts(engine: Engine) -> list[_Part]:
    text = (
        "select name, partition_id, max_block_number from system.parts"
        " where active and database = currentDatabase() and table = 'events'"
    )
    return [_Part(*row) for row in engine.ask(Query(text=text)).rows]


def _blocks(parts: list[_Part]) -> dict[str, int]:
    """Partition -> its last block. One before it may have come later: whoever reads its nodes finds them `UNKNOWN`."""
    found: dict[str, int] = {}
    for part in parts:
        found[part.partition] = max(part.last, found.get(part.partition, 0))
    return found


def _kind(spec: Spec) -> _Kind:
    return spec.site, spec.by, spec.groups


def _range(spec: Spec) -> tuple[int, int]:
    """What a list for this question is about: names of events are cheap to find, whenever they were."""
    return _EVER if spec.by == "event" else (spec.range.start, spec.range.end)


def _known(engine: Engine, spec: Spec) -> _List | None:
    """The last list, where it is young enough and about a time that touches the asked one."""
    with _lock:
        found = _lists.get(engine, {}).get(_kind(spec))
    start, end = _range(spec)
    old = found is None or time.monotonic() - found.made > MAX_AGE or found.start > end or found.end < start
    return None if old else found


def _with_news(engine: Engine, spec: Spec, events: Fragment, known: _List, parts: list[_Part]) -> _List | None:
    """The list with the nodes that came since, and those of the time that it is not about; None: too many."""
    (start, end), where = _range(spec), among(spec)
    new = [part.name for part in parts if part.last > known.blocks.get(part.partition, -1)]
    tests, params = ["_part in {news:Array(String)}"] if new else [], {**where.params, "news": new}
    if start < known.start or end > known.end:
        tests += [f"ts < fromUnixTimestamp64Milli({known.start})", f"ts >= fromUnixTimestamp64Milli({known.end})"]
    if not tests:
        return known
    news = listed(engine, spec, events, Fragment(f"{where.text} and ({' or '.join(tests)})", params))
    names = {**known.names, **news}
    if len(names) > MAX_CODES:
        return None
    start, end = min(start, known.start), max(end, known.end)
    return replace(known, names=names, start=start, end=end, blocks={**known.blocks, **_blocks(parts)})


def _keep(engine: Engine, spec: Spec, found: _List) -> None:
    """Remember a list, the one that was asked for longest ago is forgotten first."""
    with _lock:
        of_engine = _lists.setdefault(engine, {})
        of_engine.pop(_kind(spec), None)
        of_engine[_kind(spec)] = found
        while sum(len(one.names) for one in of_engine.values()) > MAX_NAMES:
            del of_engine[next(iter(of_engine))]
