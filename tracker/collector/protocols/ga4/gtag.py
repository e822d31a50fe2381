"""`GET` and `POST /g/collect`: what gtag.js and Google Tag Manager send for GA4, protocol version 2.

The query says what all events of a request share; a POST body has one event a line, each with the parameters that
differ. Google does not document it; these names are public from reading the traffic, for one
https://www.thyngster.com/ga4-measurement-protocol-cheatsheet/.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Any

import msgspec

from tracker.collector import commerce, values
from tracker.collector.parsed import Batch, Unreadable, too_large, unreadable
from tracker.collector.protocols.ga4 import consent
from tracker.core.drops import Reject
from tracker.core.event import RawEvent

_ITEM = {
    "id": "item_id",
    "nm": "item_name",
    "br": "item_brand",
    "ca": "item_category",
    **{f"c{level}": f"item_category{level}" for level in range(2, 6)},
    "va": "item_variant",
    "pr": "price",
    "qt": "quantity",
    "cp": "coupon",
    "af": "affiliation",
    "ds": "discount",
    "ln": "item_list_name",
    "li": "item_list_id",
    "lp": "index",
    "lo": "location_id",
    "pn": "promotion_name",
    "pi": "promotion_id",
    "cn": "creative_name",
    "cs": "creative_slot",
}
_NUMBERS = ("price", "quantity", "index", "discount")
_PRODUCT = re.compile(r"pr[1-9]\d{0,2}")
_FIELDS = ("en", "cid", "uid", "sid", "dl", "dr", "dt", "ul", "sr", "cu")  # what has a place of its own
_PERSON = ("uip", "_uip")  # an address that a server passes on: used for the place, kept nowhere
_HASHED = "em"  # contact details, hashed without a key: whoever has the address can look them up
_TEXTS = msgspec.json.Decoder(dict[str, str])
_encode = msgspec.json.Encoder().encode


def parse(query: str, body: bytes = b"", *, max_event: int = 32_768) -> Batch:
    """Query string and body -> Batch; an empty body means that the query is the one event. Never raises.

    `write_key` is `tid`.
    """
    shared = values.pairs(query)
    shared.pop(_HASHED, None)
    address = next((shared.pop(key) for key in _PERSON if shared.get(key)), None)
    lines = [line for line in body.splitlines() if line.strip()] or [b""]
    texts = []
    for at, line in enumerate(lines):
        own = values.pairs(line)
        for key in (*_PERSON, _HASHED):
            own.pop(key, None)
        texts.append(_encode({**shared, **own, "_line": str(at)}))

    def read_one(text: bytes) -> RawEvent | Unreadable:
        if len(text) > max_event:
            return too_large(len(text), max_event)
        try:
            return _event(_TEXTS.decode(text), address)
        except ValueError as failure:
            return unreadable(failure)

    return Batch(write_key=shared.get("tid", ""), texts=texts, read=read_one)


def _event(hit: dict[str, str], address: str | None) -> RawEvent | Unreadable:
    name = hit.get("en", "")
    if not name:
        return Unreadable(Reject.NO_NAME, "en, the event's name, is missing")
    message_id = _id(hit)
    seq = hit.get("_s", "")
    props: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    items = []
    for key, value in hit.items():
        kind, dot, rest = key.partition(".")
        if dot and rest and kind in ("ep", "up"):
            (props if kind == "ep" else traits)[rest] = value
        elif dot and rest and kind in ("epn", "upn"):
            number = values.number(value)
            (props if kind == "epn" else traits)[rest] = value if number is None else number
        elif _PRODUCT.fullmatch(key):
            items.append((int(key[2:]), _item(value)))
    own = {
        key: value
        for key, value in hit.items()
        if key not in _FIELDS and key not in ("_line", "tid") and "." not in key and not _PRODUCT.fullmatch(key)
    }
    props = values.tidy({**own, **props})
    amount = values.number(props.get("value"))
    if amount is not None:
        del props["value"]
    return RawEvent(
        type="page" if name == "page_view" else "track",
        name=name,
        message_id=message_id,
        visitor=hit.get("cid") or None,
        user=hit.get("uid") or None,
        session=hit.get("sid") or None,
        seq=int(seq) if seq.isascii() and seq.isdigit() and len(seq) < 7 else 0,
        url=hit.get("dl") or None,
        referrer=hit.get("dr") or None,
        title=hit.get("dt") or None,
        props=props,
        items=[one for _, one in sorted(items, key=lambda found: found[0])],
        value=amount,
        currency=values.currency(hit.get("cu") or props.pop("currency", None)),
        traits=values.tidy(traits),
        consent=consent.from_hit(hit),
        language=hit.get("ul") or None,
        screen=hit.get("sr") or None,
        ip=address,
        library="gtag",
    )


def _id(hit: dict[str, str]) -> str | None:
    """Stable where the hit says which of its page's hits it is: `_p` names the page load, `_s` counts."""
    page, seq = hit.get("_p"), hit.get("_s")
    if not page or not seq:
        return None
    parts = (hit.get("tid", ""), hit.get("cid", ""), page, seq, hit["_line"], hit["en"])
    return f"gtag:{blake2b(chr(0).join(parts).encode('utf-8', 'replace'), digest_size=16).hexdigest()}"


def _item(text: str) -> dict[str, Any]:
    """`idSKU~nmName~pr9.99~k0colour~v0red` -> an item; `~~` is a tilde."""
    found: dict[str, Any] = {}
    custom: dict[str, str] = {}
    for part in text.replace("~~", "\0").split("~"):
        key, value = part[:2], part[2:].replace("\0", "~")
        if len(key) == 2 and key[0] in "kv" and key[1].isalnum() and key != "va":
            custom[key] = value
        elif key in _ITEM:
            found[_ITEM[key]] = value
        elif key:
            found[key] = value
    for key, name in custom.items():
        if key[0] == "k" and name:
            found.setdefault(name, custom.get("v" + key[1], ""))
    for name in _NUMBERS:
        number = values.number(found.get(name))
        if number is not None:
            found[name] = number
    return commerce.item(found) if "item_id" in found or "item_name" in found else found
