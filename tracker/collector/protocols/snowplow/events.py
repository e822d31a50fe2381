"""One Snowplow event: its fields -> RawEvent. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from tracker.collector.loose import address_of, currency_of, item_of, number_of, take_currency, take_number, text_of
from tracker.collector.parsed import Unreadable, scrub, unreadable
from tracker.collector.protocols.snowplow import entities
from tracker.collector.protocols.snowplow.consent import attached, granted
from tracker.collector.protocols.snowplow.entities import Entity
from tracker.collector.protocols.snowplow.meanings import Meaning, meaning_of, person_of
from tracker.core.drops import Reject
from tracker.core.event import RawEvent

_TAKEN = frozenset("e eid aid dtm ttm stm url refr page uid duid sid lang res tz tv ip ua co cx ue_pr ue_px".split())
_NUMBERS = frozenset("pp_mix pp_max pp_miy pp_may vid".split())
# Structured events have no list of names; these are the ways to write GA4's that Snowplow's own examples use.
_SPELLINGS = {
    "add_to_basket": "add_to_cart",
    "remove_from_basket": "remove_from_cart",
    "add_to_cart": "add_to_cart",
    "remove_from_cart": "remove_from_cart",
    "begin_checkout": "begin_checkout",
    "view_item": "view_item",
    "purchase": "purchase",
}
_LINE = {"ti_sk": "item_id", "ti_nm": "item_name", "ti_ca": "item_category", "ti_pr": "price", "ti_qu": "quantity"}
_ORDER = {"tr_id": "transaction_id", "tr_tx": "tax", "tr_sh": "shipping", "tr_af": "affiliation"}

Items = dict[str, list[dict[str, Any]]]
_fields = msgspec.json.Decoder(dict[str, Any])


def decoded(text: bytes) -> dict[str, Any]:
    """The fields of an event. Raises ValueError or RecursionError for what is no JSON object."""
    try:
        return _fields.decode(text)
    except msgspec.ValidationError:
        raise
    except (ValueError, RecursionError):
        return _fields.decode(scrub(text))


def read(text: bytes, bought: Items | None = None) -> RawEvent | Unreadable:
    """One event. `bought`: of each order in the same request the items; an item of such an order brings none itself."""
    try:
        fields = decoded(text)
    except (ValueError, RecursionError) as failure:
        return unreadable(failure)
    times = [_millis(fields.get(name)) for name in ("ttm", "dtm", "stm")]
    if None in times:
        return Unreadable(Reject.BAD_TIME, "dtm, ttm and stm must be milliseconds since the epoch")
    true, device, sent = times
    try:
        around = entities.contexts(entities.decoded(fields.get("co"), fields.get("cx")))
        told = entities.decoded(fields.get("ue_pr"), fields.get("ue_px"))
    except (ValueError, RecursionError):
        return Unreadable(Reject.UNREADABLE, "contexts or event are not JSON, or not in base64")
    if around is None:
        return Unreadable(Reject.UNREADABLE, "the contexts are not self-describing JSON")
    around, who, traits = person_of(around)
    found = _meaning(fields, told, around, bought or {})
    if isinstance(found, Unreadable):
        return found
    session = next((one.data for one in around if one.name == "client_session"), {})
    props = {**found.props, **_rest(fields)}
    if found.contexts:
        props["contexts"] = entities.kept(found.contexts)
    visitor = text_of(fields.get("duid")) or text_of(session.get("userId"))
    if visitor is None:
        network = "nuid" if text_of(fields.get("nuid")) else "tnuid"
        visitor = text_of(props.pop(network, None))
    said = found.consent
    if said is not None and told is not None and "consent_granted" in str(found.props.get("original_event")):
        said = granted(around)
    index = number_of(session.get("eventIndex")) or 0
    return RawEvent(
        type=found.type,
        name=found.name,
        message_id=text_of(fields.get("eid")),
        ts=true or device or sent or None,
        sent_at=(sent or None) if not true else None,
        visitor=visitor,
        user=text_of(fields.get("uid")) or who,
        session=text_of(fields.get("sid")) or text_of(session.get("sessionId")),
        seq=int(index) if 0 <= index < 4_294_967_296 else 0,
        url=text_of(fields.get("url")),
        referrer=text_of(fields.get("refr")),
        title=text_of(fields.get("page")),
        props=props,
        items=found.items,
        value=found.value,
        currency=found.currency,
        traits=traits,
        consent=said or attached(around),
        language=text_of(fields.get("lang")),
        timezone=text_of(fields.get("tz")),
        screen=text_of(fields.get("res")),
        ip=address_of(text),
        ua=text_of(fields.get("ua")),
        library=text_of(fields.get("tv")),
    )


def _meaning(fields: dict[str, Any], told: object, around: list[Entity], bought: Items) -> Meaning | Unreadable:
    kind = fields.get("e")
    if kind == "pv":
        return Meaning("page", "page_view", {}, around)
    if kind == "pp":
        return Meaning("track", "user_engagement", {"original_event": "page_ping"}, around)
    if kind == "ue":
        it = entities.event(told)
        if it is None:
            return Unreadable(Reject.UNREADABLE, "the event is not self-describing JSON")
        return meaning_of(it, around, text_of(fields.get("url")))
    if kind == "se":
        action = text_of(fields.get("se_ac")) or ""
        name = _SPELLINGS.get(action.strip().lower().replace("-", "_").replace(" ", "_"), action)
        return Meaning("track", name, {}, around, value=take_number(fields, "se_va"))
    if kind == "tr":
        order = text_of(fields.get("tr_id")) or ""
        value, currency = take_number(fields, "tr_tt"), take_currency(fields, "tr_cu")
        props = {ours: fields.pop(theirs) for theirs, ours in _ORDER.items() if fields.get(theirs) not in (None, "")}
        props["original_event"] = "transaction"
        return Meaning("track", "purchase", props, around, bought.get(order, []), value, currency)
    if kind == "ti":
        order = text_of(fields.get("ti_id")) or ""
        props = {"original_event": "transaction_item", "transaction_id": order}
        if order in bought:
            return Meaning("track", "purchase_item", props, around)
        item, currency = line_of(fields), currency_of(fields.get("ti_cu"))
        return Meaning("track", "purchase_item", props, around, [item], None, currency)
    return Unreadable(Reject.BAD_TYPE, "e must be one of pv, pp, se, ue, tr, ti")


def line_of(fields: dict[str, Any]) -> dict[str, Any]:
    """The item of a line of an order."""
    return item_of({name: fields[name] for name in _LINE if name in fields}, _LINE)


def _rest(fields: dict[str, Any]) -> dict[str, Any]:
    """What has no place of its own keeps its name; page offsets and visit counts become numbers."""
    return {
        name: number if name in _NUMBERS and (number := number_of(value)) is not None else value
        for name, value in fields.items()
        if name not in _TAKEN
    }


def _millis(value: object) -> int | None:
    """Milliseconds since the epoch; 0 for a time that was not given, None for what is no time."""
    if value in (None, ""):
        return 0
    number = number_of(value)
    return None if number is None or not 0 < number < 1e15 else int(number)
