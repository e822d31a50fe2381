"""The usual funnel: ordered, nothing excluded or optional, and no event can serve two steps. The quickest road to it.

The first question sorts 64-bit numbers: an event's time, its step and, in a breakdown by the first or last value of a
column with few texts, a code for its text. It leaves out sequence and arrival. Events of one millisecond stand in the
order of their steps there, which favours every attempt: none that really exists is missed, so one that gets along
without two steps in the same millisecond is the right one. Who needs two is named, counted at step 1 only, and asked
about apart with 128 bits, a few from their events alone (`funnel_few`); `funnel_ties` adds both up.
"""

from __future__ import annotations

from dataclasses import replace

from tracker.analytics.few_texts import FEW_TEXTS, MAX_DOUBTS, texts_of
from tracker.analytics.funnel_few import MAX_FEW, counted, waits
from tracker.analytics.funnel_hits import disjoint, relevant, step_code
from tracker.analytics.funnel_ordered_query import MAX_TIED, SETTINGS, Asked, among, gathered, query, whole
from tracker.analytics.funnel_spec import Funnel
from tracker.analytics.funnel_ties import Row, added, before, with_medians
from tracker.store import persons
from tracker.store.engine import Engine
from tracker.store.sql import Fragment, fill, load


def suits(funnel: Funnel) -> bool:
    """Whether this road can answer it."""
    plain = not funnel.timed and not funnel.exclude and not any(step.optional for step in funnel.steps)
    return plain and funnel.mode == "ordered" and disjoint(funnel)


def rows(engine: Engine, funnel: Funnel, events: Fragment, values: int) -> list[Row]:
    """The whole and its `values` biggest parts: `part`, `value`, `counts`, `sums` and `medians` (ms).

    `events` is what to read (`clean.events_source`). Where a unit may stand under several values, ask about the whole
    apart: what the rows say of it is not to be used then.
    """
    linked = funnel.count_by == "person" and persons.linked(engine, funnel.site)
    asked = Asked(funnel, events, linked, values)
    if _one_value(funnel) and (texts := _texts(engine, funnel, events)) is not None:
        found = ask(engine, replace(asked, texts=texts))
        doubts = sum(row["doubts"] for row in found if row["part"])
        if not doubts or (doubts <= MAX_DOUBTS and len(found) < values):  # nothing was cut off
            return with_medians(_settled(engine, asked, found, complete=doubts > 0))
    return with_medians(_settled(engine, asked, ask(engine, asked)))


def _settled(engine: Engine, asked: Asked, found: list[Row], *, complete: bool = False) -> list[Row]:
    """The rows with those in them whose ties they name. `complete`: no value was cut off."""
    by_value = not whole(asked.funnel)
    tied = [(unit, row["value"]) for row in found if bool(row["part"]) != by_value for unit in row["tied_units"]]
    if not tied:
        return found
    wide = replace(asked, narrow=False)
    if len(tied) > MAX_TIED or any(row["ties"] > len(row["tied_units"]) for row in found):
        return ask(engine, wide)
    apart = replace(wide, only=tuple(tied))
    few = _few(engine, apart) if len(tied) <= MAX_FEW else None
    return added(found, ask(engine, apart) if few is None else few, complete=complete)


def ask(engine: Engine, asked: Asked) -> list[Row]:
    """What `funnel_ties` adds up, a row for the whole and each part."""
    last, rows = len(asked.funnel.steps), []
    for row in engine.ask(query(asked)).dicts():
        told = [(0, 0, []), *row["told"], *[(0, 0, [])] * (last - 1 - len(row["told"]))]
        counts = [row["starts"], *(count for count, _, _ in told[1:])]
        skipped = [0 if asked.only else before(count, row["apart"]) for count, _, _ in told]
        rows.append(
            {
                **{name: row[name] for name in ("part", "value", "ties", "tied_units", "doubts")},
                "counts": counts,
                "sums": [total for _, total, _ in told],
                "skipped": skipped,
                "middles": [middles for _, _, middles in told],
            }
        )
    return rows


def _few(engine: Engine, asked: Asked) -> list[Row] | None:
    """As `ask` of a few units apart, counted here; None where one of them has too many events for that."""
    funnel = asked.funnel
    found = gathered(asked, step_code(funnel))
    number = f"bitShiftLeft(toUInt64(bitShiftRight(p, {found.params['time_shift']})), {asked.step_bits})"
    number += f" + toUInt64(bitAnd(p, {found.params['serves_mask']}))"
    slots = {
        "hits": found.query,
        "touched": Fragment("''" if funnel.breakdown is None else "touched"),
        "number": Fragment(number),
        "among": among(asked),
    }
    asking = fill(load(__package__, "funnel_few"), slots, {"most": MAX_FEW + 1}, settings=SETTINGS)
    units = engine.ask(asking).rows
    if any(len(one) > MAX_FEW for _, one in units):
        return None
    between = funnel.range
    bounds = {"steps": len(funnel.steps), "limit": between.end - between.start, "window": funnel.window}
    attempts = [(value, waits(one, **bounds)) for value, one in units]
    return counted(attempts, steps=len(funnel.steps), parts=funnel.breakdown is not None)


def _one_value(funnel: Funnel) -> bool:
    return funnel.breakdown is not None and whole(funnel) and funnel.breakdown.property in FEW_TEXTS


def _texts(engine: Engine, funnel: Funnel, events: Fragment) -> tuple[str, ...] | None:
    """The texts that the property has in the funnel's events, where they are few."""
    if funnel.breakdown is None or funnel.from_entries:
        return None
    steps = [one for step in funnel.steps for one in step.any_of]
    between = (funnel.site, funnel.range.start, funnel.range.end - 1 + funnel.window)
    return texts_of(
        engine, funnel.breakdown.property, events, conditions=steps, relevant=relevant(funnel), between=between
    )
