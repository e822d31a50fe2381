"""Several audiences asked of the same persons in one statement, into the store's table `judged`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tracker.analytics.funnel_spec import Funnel
from tracker.audiences.asked import Asked
from tracker.audiences.buyers import Buyers
from tracker.audiences.compile import compile_rule
from tracker.audiences.definition import Definition
from tracker.audiences.expiry import NEVER, leaves, moments
from tracker.audiences.journeys import funnel_of, journeys
from tracker.audiences.rules import Journey, Rfm
from tracker.audiences.standing import ALLOWED, REFUSAL, salt, signalled
from tracker.audiences.together import Together
from tracker.core.site import Site
from tracker.store import persons
from tracker.store.engine import Engine, Query
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import Params

_LONGEST = 60_000  # characters of rules in one statement
_MOST_JOURNEYS = 30
AT_ONCE = {"max_block_size": 8_192, "min_insert_block_size_rows": 8_192, "min_insert_block_size_bytes": 0}
"""Settings: few rows at a time, because each gets a number or two for whatever a hundred rules ask: kilobytes."""

_SETTINGS = {
    "max_query_size": 4_000_000,
    "optimize_and_compare_chain": 0,  # nothing to gain, and half of the time that reading a hundred rules takes
    "compile_expressions": 0,  # seconds of a compiler's work, for a few thousand rows
    "compile_aggregate_expressions": 0,
    **AT_ONCE,
}


@dataclass(frozen=True, kw_only=True)
class Base:
    """What is read: all events of a site, or those of some persons that were set apart (`touched_events.sql`).

    `purchases`: the events among which buyers are ranked. `apart`: these are few, and `key` is the person already.
    """

    site: str
    events: Fragment
    purchases: Fragment
    who: str
    own: str
    persons: Fragment
    apart: bool = False


def whole(site: str, events: Fragment, *, purchases: Fragment | None = None) -> Base:
    """Everybody in `events`. `purchases`: where these are not all."""
    return Base(
        site=site,
        events=events,
        purchases=purchases or events,
        who=persons.PERSON,
        own="key",
        persons=persons.join(),
    )


def few(site: str, events: Fragment, people: Sequence[int]) -> Base:
    """Some persons, by their keys, of all events."""
    keys = persons.keys_of("few")
    slots = {"events": events, "keys": keys, "person": Fragment(persons.PERSON), "persons": persons.join(keys)}
    read = fill(load(__package__, "few"), slots, {"few": list(people)})
    return replace(apart(site), site=site, events=Fragment(read.text, read.params), purchases=events)


def apart(site: str) -> Base:
    """Whom a refresh has set apart."""
    nothing, events = Fragment(""), Fragment("touched_events")
    return Base(
        site=name_apart(site),
        events=events,
        purchases=events,
        who="key",
        own="own",
        persons=nothing,
        apart=True,
    )


def name_apart(site: str) -> str:
    """The site under which events that were set apart stand; no site can have such a name."""
    return f"~{site}"


def statements(
    engine: Engine, site: Site, base: Base, definitions: Sequence[Definition], *, now_ms: int, currency: str | None
) -> Iterator[Query]:
    """SELECTs with the columns of `judged`; together they ask all audiences."""
    made = _Made(engine, site, base, now_ms=now_ms, currency=currency)
    for definition in definitions:
        if made.full(definition):
            yield made.query()
            made = _Made(engine, site, base, now_ms=now_ms, currency=currency)
        made.add(definition)
    if made.definitions:
        yield made.query()


class _Made:
    """One statement as it grows. All rules share parameters: what is the same in several is asked once."""

    def __init__(self, engine: Engine, site: Site, base: Base, *, now_ms: int, currency: str | None) -> None:
        self.site, self.base, self.now_ms = site, base, now_ms
        self.params = Params("a")
        self.together = Together(engine, base.site, base.events, self.params, now_ms) if base.apart else None
        self.journeys = self.together or journeys(engine, base.site, base.events, self.params, now_ms)
        self.buyers = Buyers(base.site, base.purchases, self.params, now_ms, currency)
        self.definitions: list[Definition] = []
        self.rules: list[str] = []
        self.nexts: list[str] = []
        self.asked = Asked(self.params, now_ms)
        self.dear = 0

    def full(self, definition: Definition) -> bool:
        """Whether this one is better asked in a statement of its own."""
        length = sum(map(len, self.rules))
        return bool(self.definitions) and (length > _LONGEST or self.dear + _dear(definition) > _MOST_JOURNEYS)

    def add(self, definition: Definition) -> None:
        rule = compile_rule(
            definition.rule,
            self.params,
            now_ms=self.now_ms,
            journeys=self.journeys,
            buyers=self.buyers,
            once=self.asked,
        )
        self.rules.append(f"toBool({rule})")
        found = moments(definition.rule, self.params, self.now_ms, self._funnel)
        self.nexts.append(self.asked.first_of(found))
        self.definitions.append(definition)
        self.dear += _dear(definition)

    def query(self) -> Query:
        base, site = self.base, self.site
        return fill(
            load(__package__, "judged"),
            {
                "allowed": Fragment(ALLOWED[site.consent]),
                "signalled": signalled(site),
                "who": Fragment(base.who),
                "own": Fragment(base.own),
                "events": base.events,
                "persons": base.persons,
                "listed": persons.suppressed("real_site"),
                "rules": Fragment(", ".join(self.rules), self.params.values),
                "nexts": Fragment(", ".join(self.nexts)),
                **self.asked.fragments(self.together.answers() if self.together else []),
            },
            {
                "site": base.site,
                "real_site": site.name,
                "now": self.now_ms,
                "never": NEVER,
                "refusal": REFUSAL[site.consent],
                "audiences": [one.id for one in self.definitions],
                "salts": [salt(site, one.id) for one in self.definitions],
                "holdouts": [one.holdout for one in self.definitions],
                "durations": [one.duration_ms for one in self.definitions],
            },
            settings=_SETTINGS,
        )

    def _funnel(self, journey: Journey) -> Funnel:
        return funnel_of(journey, self.base.site, self.now_ms)


def _dear(definition: Definition) -> int:
    return sum(isinstance(part, Journey | Rfm) for part in leaves(definition.rule))
