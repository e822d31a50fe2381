"""The road's short cut for the common event: nothing to refuse, nothing to take away, nothing to correct.

What the pixel writes for nearly every event has fields of known types and lengths and no others; such an event is read,
looked at and written as one small struct, and what the request says about all its events is written once. The record
says exactly what the road's steps would make it say. Whatever is not common goes the whole way; a property test holds
the two together.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tracker.collector.bounds import (
    CURRENCY,
    EARLIEST,
    FUTURE_MS,
    LATEST,
    LONGEST_ID,
    LONGEST_NAME,
    LONGEST_TITLE,
    LONGEST_UA,
    NIL,
    PAST_MS,
    SEQ_END,
    SKEW_MS,
)
from tracker.collector.children import PAGE_FLAG
from tracker.collector.clicks import carries, mentions_click
from tracker.collector.consent import Mode
from tracker.collector.draft import Begin, Context, Way
from tracker.collector.scrub import SHORTEST_KEY, few_keys, harmless_keys, learn, nobody_in, tame
from tracker.collector.urls import MAX_URL, cleaned
from tracker.core.event import LARGEST_AMOUNT, RawConsent

_SILENT = (None, None)
_NONE: Way = (b"", False, 1, 0, 0)  # no time is late and early enough
_is_uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch  # as it is stored
_encode = msgspec.json.Encoder().encode

_Plain = str | int | float | bool | None
_Flat = _Plain | list[_Plain]
_FLAT = 3  # levels: items, an item, a list in it
_Id = Annotated[str, Meta(max_length=LONGEST_ID)]
_Url = Annotated[str, Meta(max_length=MAX_URL)]
_Word = Annotated[str, Meta(max_length=64)]


class _Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Consent without any string of a framework, whose hash would be kept."""

    analytics: bool | None = None
    ads: bool | None = None


class _Common(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The common event: as the pixel writes it, and the part of the record that is its own."""

    id: Annotated[str, Meta(min_length=36, max_length=36)]
    ts: Annotated[int, Meta(ge=EARLIEST, lt=LATEST)]
    type: Literal["page", "track"]
    visitor: Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
    name: Annotated[str, Meta(max_length=LONGEST_NAME)] = ""
    user: _Id | None = None
    session: _Id | None = None
    seq: Annotated[int, Meta(ge=0, lt=SEQ_END)] = 0
    url: _Url | None = None
    referrer: _Url | None = None
    title: Annotated[str, Meta(max_length=LONGEST_TITLE)] | None = None
    props: dict[str, _Flat] = {}
    items: list[dict[str, _Flat]] = []
    value: Annotated[float, Meta(gt=-LARGEST_AMOUNT, lt=LARGEST_AMOUNT)] | None = None
    currency: Annotated[str, Meta(max_length=3)] | None = None
    language: _Word | None = None
    timezone: _Word | None = None
    screen: _Word | None = None
    library: _Word | None = None
    consent: _Choice | None = None
    arrival: int = 0


class _Deep(_Common, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The same with more inside its properties, like the campaigns that brought a buyer."""

    props: dict[str, Any] = {}
    items: list[dict[str, Any]] = []


_read = msgspec.json.Decoder(_Common).decode
_read_deep = msgspec.json.Decoder(_Deep).decode


class _Whose(msgspec.Struct, tag_field="k", tag="e"):
    """How the record begins. Names, defaults and meaning are those of Event, here and below."""

    site: str


class _About(msgspec.Struct, omit_defaults=True):
    """The part of the record that all events of a sender share which come with the same choice."""

    source: str  # always there: what is written of this is never empty
    analytics: int = -1
    ads: int = -1
    gpc: int = 0
    mode: str = ""
    ip: str = ""
    country: str = ""
    ua: str = ""
    bot: str = ""


@lru_cache(256)
def _capitals(currency: str) -> str:
    """The code of a currency as it is stored; "" for what is none."""
    return currency.upper() if CURRENCY.fullmatch(currency) else ""


def express(text: bytes, context: Context) -> tuple[str, bytes] | None:
    """The visitor and the record of an event that was read from `text`.

    None: then nothing was decided, and the road must look.
    """
    deep = False
    try:
        event = _read(text)
    except ValueError:
        try:
            event, deep = _read_deep(text), True
        except (ValueError, RecursionError):
            return None
    said, limits = event.consent, context.limits
    choice = _SILENT if said is None else (said.analytics, said.ads)
    head, click_ids, earliest, latest, short = context.ways.get(choice) or _way(context, choice)
    if not earliest <= event.ts <= latest or not (context.nobody or nobody_in(text)):
        return None
    if len(text) > short and (len(text) > limits.event or not few_keys(text, limits.keys)):
        return None
    name, visitor, given = event.name, event.visitor, event.id
    if event.type == "page":
        if name != "page_view":
            if name:
                return None
            name = event.name = "page_view"
    elif not name or name.isspace():
        return None
    if _is_uuid(given) is None or given == NIL:
        return None
    listed = context.listed
    if listed is not None and listed.active and listed.state((visitor, context.cookie), (event.user or "",)):
        return None
    currency = event.currency
    if currency:
        capitals = _capitals(currency)
        if not capitals:
            return None
        event.currency = capitals
    props, items = event.props, event.items
    if deep:
        if not tame(props, items, limits.depth):
            return None
    else:
        for keys in (props, *items):
            if not (harmless_keys.issuperset(keys) or learn(keys)):
                return None
    if PAGE_FLAG in props:
        return None
    words = context.words
    if words is not None and not (name in words.names and words.keys.issuperset(props)):
        return None
    if not click_ids and (
        carries(props) or (items and carries(items)) or mentions_click(event.title or "") or mentions_click(name)
    ):
        return None
    if event.url:
        event.url = cleaned(event.url, click_ids)
    if event.referrer:
        event.referrer = cleaned(event.referrer, click_ids)
    event.consent = None
    event.arrival = context.arrival()
    try:
        return visitor, head + _encode(event)[1:]
    except (ValueError, OverflowError, RecursionError):
        return None


def _way(context: Context, choice: tuple[bool | None, bool | None]) -> Way:
    """What holds for all events of the request with that choice."""
    received, sent_at = context.received, context.sent_at
    way = _NONE
    if not (
        (context.fresh and context.cookie)
        or (sent_at is not None and not -SKEW_MS <= received - sent_at <= SKEW_MS)
        or (begin := _begin(context, choice)) is None
    ):
        before, after, click_ids = begin
        limits = context.limits
        short = min(limits.event, limits.keys * SHORTEST_KEY)
        way = (b"%b%d%b" % (before, received, after), click_ids, received - PAST_MS, received + FUTURE_MS, short)
    context.ways[choice] = way
    return way


def _begin(context: Context, choice: tuple[bool | None, bool | None]) -> Begin | None:
    """What holds for that choice in every request of the sender; None: nothing does, the road must look."""
    key = choice[0], choice[1], context.suspect
    begin = context.begins.get(key)
    if begin is not None:
        return begin
    decision = context.decide(RawConsent(analytics=choice[0], ads=choice[1]))
    if not (
        context.limits.depth < _FLAT or decision.mode < Mode.M2 or decision.analytics == 0 or context.lists is not None
    ):
        place = context.place
        about = _About(  # in the order of the fields: it is made for every new sender
            context.source,
            decision.analytics,
            decision.ads,
            1 if context.gpc else 0,
            decision.stored,
            place.ip,
            place.country,
            context.ua[:LONGEST_UA],
            context.suspect,
        )
        try:
            after = b",%b," % _encode(about)[1:-1]
        except ValueError:  # a user agent that no JSON can hold
            return None
        begin = (_encode(_Whose(context.site.name))[:-1] + b',"received":', after, decision.mode >= Mode.M3)
        context.begins[key] = begin
    return begin
