"""The rows of the journey table, made from `events`.

First in one go for all persons that are asked for, by numbers of 64 bits that know nothing of sequence and arrival.
Whose order these decide (two different key events in one millisecond) gets an empty row with both bits, which nobody
reads, and then, in a second go for them alone, a row with the bit `TIED` whose arrays stand in the order that counts.
"""

from __future__ import annotations

from tracker.store import journeys, persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query, Session
from tracker.store.journeys import APART, CODED, MOST_HELD, ON_PATH, SPAN_MS, TIED, Held
from tracker.store.sql import Fragment, fill, load

TIED_AT_ONCE = 200_000
"""Persons whose ties are settled in one statement."""

_FOUND = """
select unit from journeys
where site = {site:String} and made = {made:UInt64} and codes >= {apart:UInt64} + {tied:UInt64}
"""
_OWNED = Fragment("any left join journey_tied_owned as persons using (key)")
_OF = {"sorted": ("packed", "name between 1 and {keys:UInt8}"), "walked": ("step", ON_PATH)}
"""Which numbers of which events the two kinds of arrays hold."""
_ORDER = "toUnixTimestamp64Milli(ts), seq, arrival"


def make(engine: Engine, state: Held, joined: Fragment, part: Fragment) -> None:
    """Rows for the persons whose events fulfil `part`; `joined` tells whose they are, empty: a key is its own person.
    To be followed by `settle`.
    """
    engine.command(_rows(engine, state, joined, part, wide=False))


def settle(engine: Engine, state: Held, among: Fragment | None = None) -> None:
    """Rows for those whom `make` found to have ties; `among`: a test of the persons it was called for."""
    chosen = among or Fragment("true")
    session = engine.session()
    try:
        text = f"create temporary table journey_tied engine = Memory as {_FOUND} and {chosen.text}"
        session.command(Query(text=text, params={**state.rows, **chosen.params}))
        count = int(session.ask(Query(text="select count() from journey_tied")).rows[0][0])
        if count:
            _settle(engine, session, state, count)
    finally:
        session.close()


def _settle(engine: Engine, session: Session, state: Held, count: int) -> None:
    owned = journeys.owned(Fragment("journey_tied"), state.site)
    text = f"create temporary table journey_tied_owned engine = Memory as {owned.text}"
    session.command(Query(text=text, params=owned.params))
    parts = count // TIED_AT_ONCE + 1
    for part in range(parts):
        some = Fragment(
            f"key in (select key from journey_tied_owned where person % {parts:d} = {part:d})"  # noqa: S608 - our own text
        )
        session.command(_rows(engine, state, _OWNED, some, wide=True))


def _array(name: str, order: str = "") -> str:
    """SQL: a slot's numbers, each behind what orders them."""
    number, test = _OF[name]
    return f"groupArrayIf({f'({order}, {number})' if order else number}, {test})"


def _rows(engine: Engine, state: Held, joined: Fragment, part: Fragment, *, wide: bool) -> Query:
    """`wide`: with sequence and arrival, which settle ties."""
    slots = {
        "unit": Fragment(persons.PERSON if joined.text else "key"),
        "events": events_source(engine),
        "persons": joined,
        "part": part,
        "on_path": Fragment(ON_PATH),
        **{name: Fragment(f"arraySort({_array(name)})") for name in _OF},
        "dropped": Fragment("apart or tied"),
    }
    if wide:
        slots |= {name: Fragment(f"arrayMap(one -> one.4, arraySort({_array(name, _ORDER)}))") for name in _OF}
        slots["dropped"] = Fragment("apart")
    params: dict[str, Param] = {
        **state.rows,
        "since": state.since,
        "span": SPAN_MS,
        "most": MOST_HELD,
        "mark": 1 << TIED if wide else 1 << APART | 1 << TIED,
        "names": ["", *state.names, *state.others],
        "codes": list(range(1 + len(state.names) + len(state.others))),
        "keys": len(state.names),
    }
    for one in CODED:
        texts = ["", *state.texts.get(one.column, ())]
        params |= {one.texts: texts, f"{one.column}_codes": list(range(len(texts)))}
        lists = f"{{{one.texts}:Array(String)}}, {{{one.column}_codes:Array(UInt16)}}"
        slots[one.column] = Fragment(f"transform(toString({one.column}), {lists}, toUInt16(256))")
    return fill(load(__package__, "journeys_make"), slots, params, settings={"join_algorithm": "hash"})
