"""`person_map` equals a slow plain-Python reading of the identity rule, whatever order events come in."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker.core.identity import user_key, visitor_key
from tracker.loader.batch import Seen
from tracker.loader.identity import Identity
from tracker.store.engine import Engine, Query

NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
HISTORY = st.lists(
    st.builds(
        dict,
        site=st.sampled_from(["shop", "blog"]),
        ts=st.integers(1, 6),
        visitor=st.one_of(st.just(""), NAMES),
        user=st.one_of(st.just(""), NAMES),
        previous=st.one_of(st.just(""), st.just(""), NAMES),
    ),
    min_size=1,
    max_size=14,
)


def plain(history: list[dict[str, Any]], site: str) -> dict[int, int]:
    """Every key -> its person, by the words of the decision."""
    events = [event for event in history if event["site"] == site and event["user"]]
    aliases = [
        (event["ts"], event["arrival"], event["user"], event["previous"])
        for event in events
        if event["previous"] and event["previous"] != event["user"]
    ]

    def person(user: str) -> str:
        group = {user}
        while grown := {name for _, _, a, b in aliases for name in (a, b) if {a, b} & group} - group:
            group |= grown
        named = [(ts, arrival, target) for ts, arrival, target, _ in aliases if target in group]
        return max(named)[2] if named else user

    users = {name for event in events for name in (event["user"], event["previous"]) if name}
    result = {user_key(user): user_key(person(user)) for user in users}
    seen = [(event["ts"], event["arrival"], event["user"], event["visitor"]) for event in events if event["visitor"]]
    seen += [(ts, arrival, user, previous) for ts, arrival, user, previous in aliases]
    for visitor in {visitor for _, _, _, visitor in seen}:
        first = min((ts, arrival, user) for ts, arrival, user, name in seen if name == visitor)[2]
        result[visitor_key(visitor)] = user_key(person(first))
    return {key: who for key, who in result.items() if key != who}


def stored(engine: Engine, site: str) -> dict[int, int]:
    text = """select key, argMax(person, version) as person from person_map where site = {site:String}
        group by key having key != person"""
    return dict(engine.ask(Query(text=text, params={"site": site})).rows)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    history=HISTORY, order=st.randoms(use_true_random=False), cuts=st.lists(st.integers(1, 4), min_size=1, max_size=6)
)
def test_the_map_is_the_rule_in_any_order(
    engine: Engine, history: list[dict[str, Any]], order: Any, cuts: list[int]
) -> None:
    for table in ("identity_links", "person_map"):
        engine.command(Query(text=f"truncate table {table}"))
    for arrival, event in enumerate(history):
        event["arrival"] = arrival
    events = [Seen(id="", **event) for event in history]
    order.shuffle(events)
    identity = Identity(engine)
    at = 0
    for n in range(len(events)):
        size = cuts[n % len(cuts)]
        batch = events[at : at + size]
        identity.learn(batch)
        if n % 3 == 1:
            identity = Identity(engine)  # a restart
            identity.learn(batch)  # and a repeated batch
        at += size
    for site in ("shop", "blog"):
        assert stored(engine, site) == plain(history, site)
