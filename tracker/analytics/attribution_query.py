"""The question behind attribution as one query. What its answer says stands in `attribution.sql`.

The quick road packs an arrival into 128 bits and a touch into 64: without sequence and arrival, and with a code for its
key. Of whom that does not tell the paths (`attribution_packed.sql` says when) are named and left out; 256 bits tell the
paths of everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracker.analytics.attribution_keys import code_of, hash_of, read_from
from tracker.analytics.attribution_models import SHARES, TRANSITIONS
from tracker.analytics.attribution_numbers import NARROW, WIDE, Form
from tracker.analytics.funnel_ties import around
from tracker.store import persons
from tracker.store.engine import Param, Query
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import condition, counted

if TYPE_CHECKING:
    from tracker.analytics.attribution import Spec

CREDIT, TOUCHED, APART = 3, 5, 7
"""Kinds of facts of `attribution.sql`, beside states of the chain."""

# A branch that is left out costs more than one that is computed in vain, as in paths.
_SETTINGS = {"join_algorithm": "hash", "short_circuit_function_evaluation": "disable"}
_LONG = ("props.", "traits.", "items.", "url", "title", "referrer", "ua")
_PLACE = (
    "bitShiftLeft(toUInt128(toUnixTimestamp64Milli(ts) - {read:Int64}), 88)"
    " + bitShiftLeft(toUInt128(seq), 56) + bitAnd(arrival, 72057594037927935)"
)
_BEFORE = "arrayPopBack(arrayPushFront({}, 0))"
_BEGUN_ORIGINS = "arrayFilter((origin, begin) -> begin, arraySort((origin, p) -> p, origins, arrivals), begins)"
_TOUCHES = (
    "arrayFilter((p, before, origin, origin_before) -> before = 0 or toUInt64(bitShiftRight(p, 64)) != 0"
    " or bitShiftRight(p, 216) - bitShiftRight(before, 216) > 1800000"
    " or (bitAnd(toUInt64(p), 1) = 0 and origin != origin_before),"
    f" begun, {_BEFORE.format('begun')}, {_BEGUN_ORIGINS}, {_BEFORE.format(_BEGUN_ORIGINS)})"
)
_ORIGIN = "xxHash64(channel, utm_source, utm_campaign, click_id_kind, referrer_host)"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One question. `codes`: the keys by number, for the quick road. `loose`: arrivals may lack a session; without, the
    answer says whether one did. `only`: about these persons. `linked`: some keys of the site belong to others.
    `most_apart`: how many ends of paths of persons who are left out may be named.
    """

    spec: Spec
    events: Fragment
    amount: Fragment
    linked: bool
    most_apart: int
    codes: tuple[str, ...] | None = None
    loose: bool = False
    only: tuple[int, ...] | None = None
    apart: int = 0  # conversions of those who were left out of another answer that this one is added to


def query(asked: Asked) -> Query:
    """The question as one query."""
    spec, narrow = asked.spec, asked.codes is not None
    form, markov = NARROW if narrow else WIDE, asked.spec.model == "markov"
    journeys = _packed(asked) if narrow else _journeys(asked)
    nobody, conversion, since, behind = form.first
    first = f"if(converted, {conversion}, greatest({since}, behind))" if markov else conversion
    last = f"if(converted, {form.last[0]}, {form.last[1]})" if markov else form.last[0]
    return fill(
        load(__package__, "attribution"),
        {
            "journeys": Fragment(journeys.text, journeys.params),
            "behind": Fragment(behind if markov else "0"),
            "ends": Fragment(f"arrayPushBack(conversions, {form.nothing})" if markov else "conversions"),
            "nothing": Fragment(form.nothing),
            "amount": Fragment("if(converted, reinterpretAsFloat64(toUInt64(p)), 0)"),
            "ms": Fragment(form.at),
            "first": Fragment(f"if(apart, {nobody}, {first})"),
            "last": Fragment(last),
            "keys": Fragment(f"arrayMap(p -> {form.key}, path)"),
            "age": Fragment(f"arrayMap(p -> at - {form.ms}, arraySlice(path, 1, 1))[1]"),
            "ages": Fragment(f"arrayMap(p -> at - {form.ms}, path)"),
            "direct": Fragment(f"arrayMap(p -> {form.direct}, path)"),
            "shares": Fragment(SHARES[spec.model]),
            "facts": Fragment(_facts(form, markov=markov)),
            "weights": Fragment("" if markov else ", arrayResize(credited.2, length(facts), 1.) as weights"),
            "joined": Fragment("" if markov else ", weights as weight"),
            "weight": Fragment("" if markov else "weight * "),
            "credit": Fragment("toFloat64(count())" if markov else "sum(weight)"),
            "kind": Fragment(form.kind),
            "name": Fragment(form.name),
            "apart": Fragment("sumIf(amounts, kind = 7)" if narrow else "{apart:Int64}"),
            "middles": Fragment(around("ages", "room")),
        },
        {
            "lookback": spec.lookback,
            "half_life": spec.half_life,
            "most_apart": asked.most_apart,
            **({} if narrow else {"apart": asked.apart}),
        },
        settings=_SETTINGS,
    )


def _facts(form: Form, *, markov: bool) -> str:
    """SQL for what a path adds to; those with a weight other than 1 first."""
    end = "toUInt64(multiIf(apart, 1 + 2 * loose, converted, 1 + 2 * n, 2))"
    if markov:
        return TRANSITIONS.format(fact=form.fact.format("state", "next"), end=end)
    kind = f"if(apart, {APART}, {TOUCHED})"
    return (
        f"arrayPushBack(arrayMap(key -> {form.fact.format(CREDIT, 'key')}, credited.1), {form.fact.format(kind, end)})"
    )


def _packed(asked: Asked) -> Query:
    # Reading long texts of every arrival costs more than asking about those apart whose conversion is a touch.
    cheap = not any(one.property.startswith(_LONG) for one in asked.spec.conversion.where)
    converts = condition(asked.spec.conversion) if cheap else Fragment("false")
    slots = {"code": code_of(asked.spec, asked.codes or ()), "converts": converts, **_shared(asked)}
    return fill(load(__package__, "attribution_packed"), slots, _bounds(asked.spec))


def _journeys(asked: Asked) -> Query:
    loose = asked.loose
    slots = {
        **_shared(asked),
        "place": Fragment(_PLACE),
        "hash": Fragment(hash_of(asked.spec)),
        "origin": Fragment(f", {_ORIGIN} as origin" if loose else ""),
        "no_origin": Fragment(", toUInt64(0) as origin" if loose else ""),
        "origins": Fragment(", groupArrayIf(origin, not converted) as origins" if loose else ""),
        "touches": Fragment(_TOUCHES if loose else "begun"),
        "loose": Fragment("false" if loose else "has(visits, 0)"),
    }
    return fill(load(__package__, "attribution_journeys"), slots, _bounds(asked.spec))


def _bounds(spec: Spec) -> dict[str, Param]:
    return {"site": spec.site, "read": read_from(spec), "from": spec.range.start, "to": spec.range.end}


def _shared(asked: Asked) -> dict[str, Fragment]:
    spec, only = asked.spec, asked.only
    chosen, some = Fragment("true"), None
    if only is not None:
        some = persons.keys_of("only")
        chosen = Fragment(f"key global in {some.text}", {"only": list(only)})
    elif spec.model != "markov":
        converted = {
            "did": condition(spec.conversion),
            "events": asked.events,
            "counted": counted([spec.conversion]),
        }
        who = fill(load(__package__, "who_did"), converted)
        chosen = Fragment(f"key global in ({who.text})", who.params)
    test = condition(spec.conversion)
    if only is not None:
        test = Fragment(f"({test.text}) and ({chosen.text})", test.params)
    return {
        "conversion": test,
        "events": asked.events,
        "counted": counted([spec.conversion]),
        "amount": asked.amount,
        "chosen": chosen,
        "person": Fragment(persons.PERSON if asked.linked else "key"),
        "persons": persons.join(some) if asked.linked else Fragment(""),
    }
