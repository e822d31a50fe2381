"""Paths of very many events: persons are taken slice by slice, so that memory is bounded and the caches hold a slice.

Events of one name are stored in the order of their keys, so a range of keys is read without reading the others. Persons
with several keys have them in several slices: these wait, in a temporary table, until all slices were read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from tracker.analytics.paths_query import Kept, Source, between, gathered, hops
from tracker.analytics.paths_spec import Spec
from tracker.store.among import Among
from tracker.store.engine import Engine, Query, Session
from tracker.store.shares import share
from tracker.store.sql import Fragment, fill, load

SLICE = 13_000_000
"""Events of a slice, about."""

MOST = 64

_SETTINGS = {"join_algorithm": "hash"}
"""Spreading what is joined over threads would copy it."""

_ESTIMATE = "explain estimate select key from /*events*/ where site = {site:String} and (/*relevant*/)"


def rows(
    engine: Engine, spec: Spec, source: Source, kept: Kept | None, most: int, *, narrow: bool
) -> list[dict[str, Any]] | None:
    """The rows of `paths.sql`, some more than once with other persons each; None: they are to be asked for as a whole.

    That is where there are few events, where paths end at a node (which few reach), where a slice has `most` rows, on a
    cluster and for a segment, whose keys travel with a question.
    """
    if spec.end or engine.cluster is not None or isinstance(engine, Among):
        return None
    slices = min(_slices(_estimate(engine, spec, source.events)), MOST)
    if slices == 1:
        return None
    found: list[dict[str, Any]] = []
    with closing(engine.session()) as session:
        for of_persons in _persons(session, spec, source, slices, narrow=narrow):
            some = session.ask(hops(spec, source, kept, most, of_persons, narrow=narrow)).dicts()
            if len(some) >= most:
                return None
            found += some
    return found


def _persons(session: Session, spec: Spec, source: Source, slices: int, *, narrow: bool) -> Iterator[Fragment]:
    """Subqueries with `person` and `packed`, one after the other: what is asked of one is asked before the next."""
    if source.linked:
        _make(session, spec, source, "links", Fragment(load(__package__, "paths_links")))
    for number, keys in enumerate(_ranges("key", slices)):
        of_keys = gathered(spec, source, keys, narrow=narrow)
        if not source.linked:
            yield Fragment(f"select key as person, packed from ({of_keys.text})", of_keys.params)  # noqa: S608
            continue
        owners = fill(load(__package__, "paths_owners"), {"gathered": of_keys, "range": keys})
        _make(session, spec, source, "slice", Fragment(owners.text, owners.params))
        waiting = Fragment("select owner as person, packed from slice where owner != 0")
        _make(session, spec, source, f"linked_{number}", waiting)
        yield Fragment("select key as person, packed from slice where owner = 0")
        session.command(Query(text="drop temporary table slice"))
    if source.linked:
        linked = " union all ".join(f"select person, packed from linked_{number}" for number in range(slices))  # noqa: S608
        events = session.ask(Query(text=f"select sum(length(packed)) from ({linked})")).rows[0][0]  # noqa: S608
        for some in _ranges("person", _slices(events)):
            text = f"select person, groupArrayArray(packed) as packed from ({linked}) where {some.text} group by person"  # noqa: S608
            yield Fragment(text, some.params)


def _make(session: Session, spec: Spec, source: Source, name: str, of: Fragment) -> None:
    text = f"create temporary table {name} engine = Memory as {of.text}"
    session.command(Query(text=text, params={**between(spec), **of.params}, settings={**_SETTINGS, **source.settings}))


def _slices(events: int) -> int:
    return max(1, -(-events // SLICE))


def _ranges(column: str, count: int) -> Iterator[Fragment]:
    """SQL: tests that share out all values of 64 bits evenly. Keys and persons are hashes."""
    for number in range(count):
        first, last = share(number, count)
        text = f"{column} between {{slice_from:UInt64}} and {{slice_to:UInt64}}"
        yield Fragment(text, {"slice_from": first, "slice_to": last})


def _estimate(engine: Engine, spec: Spec, events: Fragment) -> int:
    """About how many events there are to read: what the primary key says, in a millisecond."""
    asked = fill(_ESTIMATE, {"events": events, "relevant": spec.relevant()}, {"site": spec.site})
    return sum(int(row["rows"]) for row in engine.ask(asked).dicts())
