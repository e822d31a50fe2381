"""Paths by event from the journey table instead of `events`, where the table can give them exactly.

It holds what each person did, in the order that counts, so nothing need be brought together and sorted. Persons to whom
something happened since their rows were made, and those of whom the table cannot tell, are read from `events`: a stored
event is in the answer at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from tracker.analytics.journeys_apart import set_apart
from tracker.analytics.paths_codes import RESERVED, UNKNOWN, Codes
from tracker.analytics.paths_merging import Row, biggest, merged, nodes_of
from tracker.analytics.paths_query import NO_LIMIT, Kept, Source, gathered, hops, moments_of
from tracker.analytics.paths_spec import Spec
from tracker.store import journeys, persons
from tracker.store.among import Among
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query, Session
from tracker.store.journeys import Held
from tracker.store.sql import Fragment

MAX_SHARE = 0.1
"""Of the persons that may be read from `events`; with more, all are."""

_LATEST = 2**32 - 1  # milliseconds after `since`: later than whatever is held


def rows(engine: Engine, spec: Spec, most: int) -> tuple[list[Row], Mapping[int, str]] | None:
    """One row a hop, the smaller nodes merged, and what nodes are called; None: ask `events`.

    `most`: different hops that are fetched.
    """
    if spec.by != "event" or engine.cluster is not None or isinstance(engine, Among):
        return None
    state = journeys.held(engine, spec.site)
    if not state.made or state.since > spec.range.start or state.now - state.seen > journeys.KEPT_NS:
        return None
    named = _named(engine, spec, state)
    codes = Codes(dict(named))
    if not {spec.start, spec.end} <= {"", *codes.names.values()}:
        return None
    came, over = journeys.news(engine, state)
    apart = bool(came or state.apart or state.untold)
    with closing(engine.session()) as session:
        if apart and not set_apart(session, state, came, over, most=MAX_SHARE, paths=True):
            return None
        asked = _Asked(engine, spec, state, codes, [label for _, label in named], changed=bool(came), apart=apart)
        found = asked.rows(session, most)
    if found is None or journeys.version(engine, spec.site) != state.version:
        return None  # rows may have gone while they were read
    return found, codes.names


def _named(engine: Engine, spec: Spec, state: Held) -> list[tuple[int, str]]:
    """Of each name that has a code, in their order: the node's hash and what it is called."""
    label = spec.label()
    text = (
        f"select cityHash64({label.text}), toString({label.text})"  # noqa: S608 - our own text
        " from (select arrayJoin(arrayEnumerate({names:Array(String)})) as code, {names:Array(String)}[code] as event)"
        " order by code"
    )
    params = {**label.params, "names": [*state.names, *state.others]}
    return [(int(hashed), str(name)) for hashed, name in engine.ask(Query(text=text, params=params)).rows]


@dataclass(frozen=True)
class _Asked:
    """One question. `labels`: the node of each name that has a code; `changed`: somebody has news, `apart`: somebody
    is to be read from `events`.
    """

    engine: Engine
    spec: Spec
    state: Held
    codes: Codes
    labels: list[str]
    changed: bool
    apart: bool

    def rows(self, session: Session, most: int) -> list[Row] | None:
        """One row a hop, the smaller nodes merged. None: too many, or somebody was at a node that has no code."""
        found = self._everybody(session, None, most + 1)
        if len(found) > most or UNKNOWN in nodes_of(found):
            return None
        kept = biggest(found, self.spec.max_nodes)
        return found if kept is None else self._everybody(session, kept, NO_LIMIT)

    def _everybody(self, session: Session, kept: Kept | None, most: int) -> list[Row]:
        source = Source(events=events_source(self.engine), codes=self.codes, linked=True)
        query = hops(self.spec, source, kept, most, self._held(source), narrow=True, in_order=True)
        found = session.ask(query).dicts()
        if self.apart:
            query = hops(self.spec, source, kept, most, self._others(source), narrow=False)
            found += session.ask(query).dicts()
        return merged(found)

    def _others(self, source: Source) -> Fragment:
        """Those who are read from `events`, with sequence and arrival: `person` and `packed`."""
        of_keys = gathered(self.spec, source, Fragment("key in (select key from journey_keys)"), narrow=False)
        return persons.of_keys(
            of_keys, linked=True, joined=Fragment("any left join journey_keys as persons using (key)")
        )

    def _held(self, source: Source) -> Fragment:
        """Those whose rows tell of them: `person` and `packed`."""
        moments = moments_of(self.spec, source, narrow=True)
        packed = f"arrayMap((t, c) -> {moments.number('t - {lower:UInt32}', self._node)}, path.at, path.code)"
        if tests := self._bounds:
            packed = f"arrayFilter((p, t) -> {' and '.join(tests)}, {packed}, path.at)"
        changed = " and unit not in (select unit from journey_changed)" if self.changed else ""
        where = " and ".join([self.state.walked, *map(self._has, filter(None, (self.spec.start, self.spec.end)))])
        text = f"select unit as person, {packed} as packed from journeys where {where}{changed}"  # noqa: S608
        return Fragment(text, self._params)

    @property
    def _node(self) -> str:
        """SQL: the code of the node that the name of the code `c` is."""
        alone = len(self.codes.names) == len(self.labels)  # no two names are one node: the codes are in the same order
        return f"c + {RESERVED}" if alone else "{nodes:Array(UInt64)}[c]"

    @property
    def _params(self) -> dict[str, Param]:
        start, end, since = self.spec.range.start, self.spec.range.end, self.state.since
        of_label = {name: code for code, name in self.codes.names.items()}
        return {
            **self.state.rows,
            "nodes": [of_label[label] for label in self.labels],
            "lower": min(start - since, _LATEST),
            "upper": min(end - since, _LATEST),
        }

    @property
    def _bounds(self) -> list[str]:
        """What the time `t` of an event must be, where not all that is held is asked for."""
        lower = ["t >= {lower:UInt32}"] if self.spec.range.start > self.state.first else []
        return [*lower, "t < {upper:UInt32}"] if self.spec.range.end <= self.state.last else lower

    def _has(self, node: str) -> str:
        """A test of a row, true for whoever was at a node: by the mask alone where it stands for key names only."""
        codes = [code for code, label in enumerate(self.labels, 1) if label == node]
        if max(codes) <= len(self.state.names):
            return f"bitAnd(codes, {sum(1 << (code - 1) for code in codes):d}) != 0"
        return f"hasAny(path.code, CAST({codes}, 'Array(UInt8)'))"
