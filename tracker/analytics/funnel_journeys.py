"""A funnel from the journey table instead of `events`, where the table can give it exactly.

It can for an ordered funnel by person whose steps have event names of their own that the table holds, and no filters,
exclusions or optional steps, broken down by nothing or by the first or last country, device or channel. Persons to whom
something happened since their journeys were made (an event, an identification) are found once and read from `events`,
so the answer is always the current one.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from typing import Any

from tracker.analytics.funnel_hits import disjoint
from tracker.analytics.funnel_journeys_query import Asked
from tracker.analytics.funnel_spec import Funnel
from tracker.analytics.journeys_apart import set_apart
from tracker.store import journeys
from tracker.store.among import Among
from tracker.store.engine import Engine, Session
from tracker.store.journeys import CODED, Held

MAX_SHARE = 0.1
"""Of the persons to whom something may have happened since; with more, `events` is about as quick."""

MAX_TIES = 1.0
"""Persons with ties to be expected among those read from `events`; with more, their order is looked at at once."""


def suits(funnel: Funnel) -> bool:
    """Whether the table could answer such a question, if it held the names."""
    plain = not (funnel.exclude or funnel.timed or funnel.from_entries) and not any(
        step.optional or any(one.where for one in step.any_of) for step in funnel.steps
    )
    coded = funnel.breakdown is None or (
        funnel.breakdown.touch != "all" and funnel.breakdown.property in {one.column for one in CODED}
    )
    return plain and coded and funnel.mode == "ordered" and funnel.count_by == "person" and disjoint(funnel)


def rows(engine: Engine, funnel: Funnel, values: int) -> list[dict[str, Any]] | None:
    """What `funnel.sql` gives of the whole and each value, but for ties; None: ask `events`."""
    if engine.cluster is not None or isinstance(engine, Among) or not suits(funnel):
        return None
    state = journeys.held(engine, funnel.site)
    if not state.made:
        return None
    if missing := {one.event for step in funnel.steps for one in step.any_of} - {*state.names, *state.left_out}:
        journeys.want(engine, funnel.site, missing)
    if not _reaches(state, funnel) or state.now - state.seen > journeys.KEPT_NS:
        return None
    came, over = journeys.news(engine, state)
    if came or state.apart:
        with closing(engine.session()) as session:
            if not set_apart(session, state, came, over, most=MAX_SHARE):
                return None
            rows = _with_others(session, Asked(engine, funnel, state, changed=bool(came)), values, came)
    else:
        rows = engine.ask(Asked(engine, funnel, state).query(values)).dicts()
    if journeys.version(engine, funnel.site) != state.version:
        return None  # rows may have gone while they were read
    for row in rows:
        row["drops"] = [*(one - after for one, after in pairwise(row["counts"])), 0]
    return rows


def _with_others(session: Session, asked: Asked, values: int, came: int) -> list[dict[str, Any]]:
    """The rows with those who are read from `events`: narrow, unless sequence and arrival decide for one of them."""
    if asked.state.tied * (came + asked.state.apart) <= MAX_TIES * asked.state.units:
        rows = session.ask(replace(asked, others="narrow").query(values)).dicts()
        if not any(row["ties"] for row in rows):
            return rows
    return session.ask(replace(asked, others="wide").query(values)).dicts()


def _reaches(state: Held, funnel: Funnel) -> bool:
    """What is later than the table can hold is read from `events`, person by person."""
    names = {one.event for step in funnel.steps for one in step.any_of}
    return state.since < funnel.range.start and names <= set(state.names)  # so that no start has the time 0
