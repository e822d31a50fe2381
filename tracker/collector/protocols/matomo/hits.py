"""What one Matomo hit means in GA4's words. Pure. Source: Matomo's Tracking HTTP API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from tracker.collector.loose import item_of, number_of, take_number, text_of, worth
from tracker.collector.parsed import Unreadable
from tracker.core.drops import Reject
from tracker.core.event import RawConsent, RawEvent

# Where a parameter has a place of its own; `rec apiv` say nothing, `r rand` break caches and `h m s` repeat the time.
_TAKEN = frozenset(
    "rec apiv idsite r rand h m s send_image queuedtracking token_auth url urlref _id cid uid res lang ua cip cdt cdo "
    "action_name _hit _view consent analytics ads tcf gpp".split()
)
# The plug-ins of a browser serve to tell browsers apart without asking; positions of the globe are nobody's business.
_LEFT_OUT = frozenset("pdf qt realp wma fla java ag gears dir lat long".split())
_JSON = frozenset(("cvar", "_cvar", "uadata", "ec_items"))
_NUMBERS = frozenset("search_count bw_bytes gt_ms _idn _idvc pf_net pf_srv pf_tfr pf_dm1 pf_dm2 pf_onl".split())
_ORDER = {"ec_id": "transaction_id", "ec_st": "subtotal", "ec_tx": "tax", "ec_sh": "shipping", "ec_dt": "discount"}
_ITEM = ("item_id", "item_name", "item_category", "price", "quantity")
_PRODUCT = {"_pks": "item_id", "_pkn": "item_name", "_pkc": "item_category", "_pkp": "price"}
_CAMPAIGN = {
    "campaign": "campaign",
    "source": "source",
    "medium": "medium",
    "kwd": "term",
    "keyword": "term",
    "content": "content",
    "cid": "id",
}
_PREFIXES = ("mtm_", "matomo_", "pk_", "piwik_")
_YES = {"1": True, "true": True, "0": False, "false": False}
_LONGEST_JSON = 16_384

_Meaning = tuple[str, str, dict[str, Any], list[dict[str, Any]], float | None]


def to_raw(fields: dict[str, Any], *, now: int, ip: str | None, library: str) -> RawEvent | Unreadable:
    """The parameters of a hit -> RawEvent. `now` in ms, for a hit that says how long ago it was; `ip` if believed."""
    if text_of(fields.get("rec")) != "1":
        return Unreadable(Reject.BAD_FIELD, "rec must be 1")
    ts = _time(fields, now)
    if ts == 0:
        return Unreadable(Reject.BAD_TIME, "cdt must be seconds since the epoch, or like 2026-11-20 10:00:00 (UTC)")
    url = text_of(fields.get("url"))
    kind, name, props, items, value = _meaning(fields)
    props |= {
        key: _number(given) if key in _NUMBERS else given
        for key, given in fields.items()
        if key not in _TAKEN and key not in _LEFT_OUT and given not in (None, "")
    }
    return RawEvent(
        type=kind,
        name=name,
        message_id=text_of(fields.get("_hit")),
        ts=ts,
        visitor=text_of(fields.get("cid")) or text_of(fields.get("_id")),
        user=text_of(fields.get("uid")),
        url=_tagged(url) if url else None,
        referrer=text_of(fields.get("urlref")),
        title=text_of(fields.get("action_name")),
        props=props,
        items=items,
        value=value,
        consent=_consent(fields),
        language=text_of(fields.get("lang")),
        screen=text_of(fields.get("res")),
        ip=ip,
        ua=text_of(fields.get("ua")),
        library=library,
    )


def _meaning(fields: dict[str, Any]) -> _Meaning:
    """Type, name, GA4's properties, items, value. What is used up here is taken out of the fields."""
    said = {key: text for key, given in fields.items() if (text := text_of(given)) is not None}
    if "_view" in fields:
        item = item_of({key: fields.pop(key) for key in _PRODUCT if key in fields}, _PRODUCT)
        category = _parsed(item.get("item_category"))
        if isinstance(category, list):
            item["item_category"] = "/".join(str(one) for one in category)
        if "item_id" in item or "item_name" in item:
            return "track", "view_item", {}, [item], worth([item])
        return "track", "view_item_list", {"item_list_name": item.get("item_category", "")}, [], None
    if said.get("ping") == "1":
        return "track", "user_engagement", {"original_event": "ping"}, [], None
    if "idgoal" in said:
        return _goal(fields, said)
    if "e_c" in said or "e_a" in said:
        return "track", said.get("e_a", said.get("e_c", "")), {}, [], take_number(fields, "e_v")
    if "search" in said:
        return "track", "search", {"search_term": said["search"]}, [], None
    if "download" in said:
        name = _path(said["download"]).rsplit("/", 1)[-1]
        extension = name.rsplit(".", 1)[-1].lower() if "." in name else ""
        props = {"link_url": said["download"], "file_name": name, "file_extension": extension}
        return "track", "file_download", props, [], None
    if "link" in said:
        return (
            "track",
            "click",
            {"link_url": said["link"], "link_domain": _host(said["link"]), "outbound": True},
            [],
            None,
        )
    if "c_n" in said:
        if "c_i" in said:
            return "track", "select_content", {"content_type": said["c_n"], "content_id": said.get("c_p", "")}, [], None
        return "track", "content_impression", {}, [], None
    if "cra" in said:
        return "track", "js_error", {"message": said["cra"][:300]}, [], None
    if said.get("ca") == "1":
        return "track", "custom_action", {}, [], None
    return "page", "page_view", {}, [], None


def _goal(fields: dict[str, Any], said: dict[str, str]) -> _Meaning:
    """Goal 0 is an order, or without `ec_id` the cart as it is now; the others are the site's own."""
    value = take_number(fields, "revenue")
    if said["idgoal"] != "0":
        return "track", "goal", {}, [], value
    items = _items(_parsed(fields.pop("ec_items", None)))
    props: dict[str, Any] = {}
    for theirs, ours in _ORDER.items():
        given = fields.pop(theirs, None)
        if given not in (None, "", "undefined", "false"):  # what matomo.js writes where a shop says nothing
            props[ours] = given if ours == "transaction_id" else _number(given)
    return "track", "purchase" if "ec_id" in said else "cart_update", props, items, value


def _items(listed: object) -> list[dict[str, Any]]:
    """`[[sku, name, category or categories, price, quantity], ...]`."""
    items = []
    for line in listed if isinstance(listed, list) else []:
        if not isinstance(line, list):
            continue
        item = item_of(dict(zip(_ITEM, line, strict=False)), {})
        category = item.get("item_category")
        if isinstance(category, list):
            names = ["item_category", *(f"item_category{n}" for n in range(2, 6))]
            item |= dict(zip(names, category, strict=False))
        items.append(item)
    return items


def _time(fields: dict[str, Any], now: int) -> int | None:
    """`cdt`, or `cdo` seconds ago; 0 for what is no time."""
    said = text_of(fields.get("cdt"))
    if said is None:
        ago = number_of(fields.get("cdo"))
        return now - int(ago * 1000) if ago is not None and 0 < ago < 1e9 else None
    seconds = number_of(said)
    if seconds is not None:
        return int(seconds * 1000) if 0 < seconds < 1e11 else 0
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return 0
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _consent(fields: dict[str, Any]) -> RawConsent | None:
    """`consent=1` is Matomo's word for "measuring is allowed"; `analytics ads tcf gpp` are ours, as on `/e.gif`."""
    said = {key: text_of(fields.get(key)) for key in ("analytics", "consent", "ads", "tcf", "gpp")}
    if not any(said.values()):
        return None
    analytics = said["analytics"] if said["analytics"] is not None else said["consent"]
    return RawConsent(
        analytics=_YES.get(analytics or ""), ads=_YES.get(said["ads"] or ""), tcf=said["tcf"], gpp=said["gpp"]
    )


def _tagged(url: str) -> str:
    """Matomo's own campaign parameters, said again as `utm_*` where the address has none of those."""
    if "utm_" in url or not any(prefix in url for prefix in _PREFIXES):
        return url
    head, mark, fragment = url.partition("#")
    tags: dict[str, str] = {}
    for key, value in parse_qsl(head.partition("?")[2], errors="replace"):
        for prefix in _PREFIXES:
            name = _CAMPAIGN.get(key.removeprefix(prefix)) if key.startswith(prefix) else None
            if name:
                tags.setdefault(f"utm_{name}", value)
    return f"{head}&{urlencode(tags)}{mark}{fragment}" if tags else url


def opened(key: str, given: object) -> object:
    """The value of a parameter; JSON inside a text becomes plain, so that whoever looks for people can see them."""
    return _parsed(given) if key in _JSON else given


def _parsed(given: object) -> object:
    if not isinstance(given, str) or len(given) > _LONGEST_JSON:
        return given
    try:
        return msgspec.json.decode(given.encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return given


def _number(given: object) -> object:
    number = number_of(given)
    return given if number is None else number


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
