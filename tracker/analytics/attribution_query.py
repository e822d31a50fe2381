"""The questions behind attribution, and their answers as one.

The quick road packs an arrival into 128 bits and a touch into 64: without sequence and arrival, and with a code for its
key. Of whom that does not tell the paths (`attribution_packed.sql` says when) are named and asked about apart, with 256
bits; both answers add up. With many of those, or with more keys than have codes, everybody is asked about with 256.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from xxhash import xxh64_intdigest

from tracker.analytics.attribution_models import SHARES, TRANSITIONS
from tracker.analytics.attribution_numbers import NARROW, WIDE, Form
from tracker.analytics.funnel_ties import middle
from tracker.store import persons
from tracker.store.engine import Engine, Param, Query
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import condition, counted

if TYPE_CHECKING:
    from tracker.analytics.attribution import Spec

DAY_MS = 86_400_000
MAX_STATES = 2_000
"""Most keys that get codes, and most of a Markov chain: its matrix has as many rows and columns."""

MAX_APART = 50_000
"""Most ends of paths of persons who are asked about apart."""

CHANNELS = (
    *("Direct", "Cross-network", "Display", "Organic Shopping", "Organic Social", "Organic Video", "Organic Search"),
    *("Referral", "Email", "Affiliates", "Audio", "SMS", "Mobile Push Notifications", "Unassigned"),
    *("Paid Shopping", "Paid Search", "Paid Social", "Paid Video", "Paid Other"),
)
"""All that the loader names (`enrich/source.py`): asking which there are would cost a tenth of the report. Others are
found as names are that came after the question.
"""

KEYS = {
    "channel": "channel",
    "source": "multiIf(utm_source != '', toString(utm_source), click_id_kind != '', toString(click_id_kind),"
    " referrer_host != '', toString(referrer_host), channel = 'Direct', '(direct)', '(not set)')",
    "campaign": "if(utm_campaign = '', '(not set)', toString(utm_campaign))",
    "click_id": "if(click_id_kind = '', '(not set)', toString(click_id_kind))",
}
CREDIT, LENGTH, TOUCHED, UNTOUCHED, APART, LOOSE = 3, 4, 5, 6, 7, 8
"""Kinds of rows of `attribution.sql`; all others are states of the chain."""

_LONG = ("props.", "traits.", "items.", "url", "title", "referrer", "ua")
_FIRST_CODE = 16  # of a key: states of the chain are told from kinds of rows
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
    """

    spec: Spec
    events: Fragment
    amount: Fragment
    linked: bool
    codes: tuple[str, ...] | None = None
    loose: bool = False
    only: tuple[int, ...] | None = None
    apart: int = 0  # conversions of those who were left out of another answer that this one is added to


@dataclass(frozen=True, kw_only=True)
class Facts:
    """kind -> name -> `times`, `credit`, `amounts`; a key is its hash. `average` and `median` ages are in ms."""

    rows: Mapping[int, Mapping[int, Mapping[str, Any]]]
    average: float | None
    median: float | None
    names: Mapping[int, str]


def facts(engine: Engine, spec: Spec, events: Fragment, amount: Fragment) -> Facts:
    """All that `attribution.sql` tells of everybody."""
    asked = Asked(spec=spec, events=events, amount=amount, linked=persons.linked(engine, spec.site))
    names = _coded(engine, spec, events)
    if names is None:
        rows = engine.ask(query(asked)).dicts()
        if any(row["kind"] == LOOSE for row in rows):
            rows = engine.ask(query(replace(asked, loose=True))).dicts()
        return _together(rows, [], {})
    hashes = list(names)
    rows = engine.ask(query(replace(asked, codes=tuple(names.values())))).dicts()
    left_out = next((row for row in rows if row["kind"] == APART), None)
    if left_out is not None and left_out["times"] > MAX_APART:
        loose = any(row["kind"] == LOOSE for row in rows)
        return _together(engine.ask(query(replace(asked, loose=loose))).dicts(), [], names)
    others: list[dict[str, Any]] = []
    if left_out is not None:
        only, conversions = tuple(sorted(set(left_out["units"]))), round(left_out["amounts"])
        others = engine.ask(query(replace(asked, loose=True, only=only, apart=conversions))).dicts()
    for row in rows:
        if row["kind"] >= _FIRST_CODE:
            row["kind"] = hashes[row["kind"] - _FIRST_CODE]
        if row["name"] >= _FIRST_CODE and row["kind"] != LENGTH:
            row["name"] = hashes[row["name"] - _FIRST_CODE]
    return _together(rows, others, names)


def _coded(engine: Engine, spec: Spec, events: Fragment) -> dict[int, str] | None:
    """hash -> name of the keys that get codes; None: there are too many."""
    if spec.by == "channel" and len(CHANNELS) <= MAX_STATES:
        return {xxh64_intdigest(name.encode()) & ~1: name for name in CHANNELS}
    return names_of(engine, spec, events)


def _together(rows: Iterable[dict[str, Any]], others: Iterable[dict[str, Any]], names: Mapping[int, str]) -> Facts:
    found: dict[int, dict[int, dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["kind"], {})[row["name"]] = row
    for row in others:
        mine = found.setdefault(row["kind"], {}).setdefault(row["name"], row)
        if mine is not row:
            mine.update({name: mine[name] + row[name] for name in ("times", "credit", "amounts", "aged", "middles")})
    touched = found.get(TOUCHED, {}).get(0, {"times": 0, "middles": ()})
    return Facts(
        rows=found,
        average=touched["aged"] / touched["times"] if touched["times"] else None,
        median=middle(touched["middles"], touched["skipped"], touched["times"]) if touched["times"] else None,
        names=names,
    )


def query(asked: Asked) -> Query:
    """The question as one query."""
    spec, narrow = asked.spec, asked.codes is not None
    form, markov = NARROW if narrow else WIDE, asked.spec.model == "markov"
    journeys = _packed(asked) if narrow else _journeys(asked)
    nobody, conversion, since, behind = form.first
    first = f"if(converted, {conversion}, greatest({since}, {behind}))" if markov else conversion
    last = f"if(converted, {form.last[0]}, {form.last[1]})" if markov else form.last[0]
    return fill(
        load(__package__, "attribution"),
        {
            "journeys": Fragment(journeys.text, journeys.params),
            "ends": Fragment(f"arrayPushBack(conversions, {form.nothing})" if markov else "conversions"),
            "nothing": Fragment(form.nothing),
            "amount": Fragment("if(converted, reinterpretAsFloat64(toUInt64(p)), 0)"),
            "ms": Fragment(form.at),
            "first": Fragment(f"if(apart, {nobody}, {first})" if narrow else first),
            "last": Fragment(last),
            "keys": Fragment(f"arrayMap(p -> {form.key}, path)"),
            "ages": Fragment(f"arrayMap(p -> at - {form.ms}, path)"),
            "direct": Fragment(f"arrayMap(p -> {form.direct}, path)"),
            "shares": Fragment(SHARES[spec.model]),
            "facts": Fragment(_facts(form, markov=markov)),
            "weights": Fragment("" if markov else ", arrayResize(credited.2, length(facts), 1.) as weights"),
            "joined": Fragment("" if markov else ", weights as weight"),
            "weight": Fragment("1." if markov else "weight"),
            "kind": Fragment(form.kind),
            "name": Fragment(form.name),
            "touched": Fragment(form.fact.format(TOUCHED, 0)),
            "left_out": Fragment(form.fact.format(APART, 0)),
            "apart": Fragment(f"sumIf(amounts, kind = {APART}) over ()" if narrow else "{apart:Int64}"),
        },
        {
            "lookback": spec.lookback,
            "half_life": spec.half_life,
            "most_apart": MAX_APART,
            **({} if narrow else {"apart": asked.apart}),
        },
        settings={"join_algorithm": "hash"},
    )


def _facts(form: Form, *, markov: bool) -> str:
    """SQL for what a path adds to; those with a weight other than 1 first."""
    kind = f"multiIf(apart, {APART}, n = 0, {UNTOUCHED}, {TOUCHED})"
    loose = f"arrayWithConstant(loose, {form.fact.format(LOOSE, 0)})"
    told = "converted and not apart"
    length = f"arrayWithConstant({told}, {form.fact.format(LENGTH, 'n')})"
    if markov:  # of those apart, who have no path, the only step is told instead
        steps = TRANSITIONS.format(form.fact.format("state", "next"))
        return f"arrayConcat({steps}, arrayWithConstant({told}, {form.fact.format(kind, 0)}), {length}, {loose})"
    credit = f"arrayMap(key -> {form.fact.format(CREDIT, 'key')}, credited.1)"
    return f"arrayConcat({credit}, [{form.fact.format(kind, 0)}], {length}, {loose})"


def _packed(asked: Asked) -> Query:
    codes = asked.codes or ()
    new = _FIRST_CODE + len(codes)
    code = f"transform({KEYS[asked.spec.by]}, {{keys:Array(String)}}, {{codes:Array(UInt16)}}, {{new:UInt16}})"
    known: dict[str, Param] = {"keys": ["", *codes], "codes": [new, *range(_FIRST_CODE, new)], "new": new}
    # Reading long texts of every arrival costs more than asking about those apart whose conversion is a touch.
    cheap = not any(one.property.startswith(_LONG) for one in asked.spec.conversion.where)
    converts = condition(asked.spec.conversion) if cheap else Fragment("false")
    slots = {"code": Fragment(code, known), "converts": converts, **_shared(asked)}
    return fill(load(__package__, "attribution_packed"), slots, _bounds(asked.spec))


def _journeys(asked: Asked) -> Query:
    loose = asked.loose
    slots = {
        **_shared(asked),
        "place": Fragment(_PLACE),
        "hash": Fragment(f"xxHash64({KEYS[asked.spec.by]})"),
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


def read_from(spec: Spec) -> int:
    """Where reading starts: a day before the earliest touch that can count, so that its visit's beginning is seen."""
    return spec.range.start - spec.lookback - DAY_MS


def names_of(
    engine: Engine, spec: Spec, events: Fragment, wanted: Iterable[int] | None = None
) -> dict[int, str] | None:
    """What hashes of keys stand for: the `wanted`, or all there are, None where they are more than `MAX_STATES`."""
    some = None if wanted is None else sorted(wanted)
    if some == []:
        return {}
    few = some is not None and len(some) <= MAX_STATES
    limit = MAX_STATES + 1 if some is None else len(some) if few else 2**63
    asked = fill(
        load(__package__, "attribution_keys"),
        {
            "key": Fragment(KEYS[spec.by]),
            "events": events,
            "wanted": Fragment("hash in {keys:Array(UInt64)}", {"keys": some or []}) if few else Fragment("true"),
        },
        {"site": spec.site, "read": read_from(spec), "to": spec.range.end, "limit": limit},
    )
    found = {hashed: str(name) for name, hashed in engine.ask(asked).rows}
    return None if some is None and len(found) > MAX_STATES else found
