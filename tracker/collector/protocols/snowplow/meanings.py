"""What Snowplow's own self-describing events mean in GA4's words. Pure.

Sources: the schemas of Iglu Central (com.snowplowanalytics.snowplow, .snowplow.ecommerce, .mobile and
com.google.analytics.enhanced-ecommerce) and GA4's list of recommended events.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from tracker.collector.loose import item_of, number_of, take_currency, take_number, text_of, worth
from tracker.collector.protocols.snowplow.consent import consent_of
from tracker.collector.protocols.snowplow.entities import Entity
from tracker.core.event import RawConsent

_OURS = "com.snowplowanalytics.snowplow/"
_SHOP = "com.snowplowanalytics.snowplow.ecommerce/"
_GOOGLE = "com.google.analytics.enhanced-ecommerce/"

# snowplow_ecommerce_action: its `type` -> GA4's name
ECOMMERCE = {
    "product_view": "view_item",
    "list_view": "view_item_list",
    "list_click": "select_item",
    "add_to_cart": "add_to_cart",
    "remove_from_cart": "remove_from_cart",
    "transaction": "purchase",
    "refund": "refund",
    "promo_view": "view_promotion",
    "promo_click": "select_promotion",
    "trns_error": "transaction_error",
}
# com.google.analytics.enhanced-ecommerce/action: its `action` -> GA4's name
ENHANCED = {
    "click": "select_item",
    "detail": "view_item",
    "add": "add_to_cart",
    "remove": "remove_from_cart",
    "checkout": "begin_checkout",
    "checkout_option": "checkout_option",
    "purchase": "purchase",
    "refund": "refund",
    "promo_click": "select_promotion",
    "view": "view_item_list",
}
NAMES = {"site_search": "search", "submit_form": "form_submit"}
PRODUCT = {
    "id": "item_id",
    "sku": "item_id",
    "name": "item_name",
    "category": "item_category",
    "brand": "item_brand",
    "variant": "item_variant",
    "position": "index",
    "list": "item_list_name",
    "unitPrice": "price",
    "unit_price": "price",
}
_ORDER = {"discount_code": "coupon", "id": "transaction_id"}
_TYPED = ("form_change", "change_form", "submit_form", "focus_form", "focus_or_change_form")
_PERSONAL = frozenset(("shipping_postcode", "billing_postcode", "shipping_full_address", "billing_full_address"))


class Meaning(msgspec.Struct):
    """One event in GA4's words. `contexts` are those that were not used up."""

    type: str
    name: str
    props: dict[str, Any]
    contexts: list[Entity]
    items: list[dict[str, Any]] = []
    value: float | None = None
    currency: str | None = None
    consent: RawConsent | None = None


def meaning_of(it: Entity, contexts: list[Entity], page: str | None) -> Meaning:
    """A self-describing event, its contexts and the page it happened on -> its meaning."""
    said = consent_of(it)
    props = {**it.data, "original_event": it.uri}
    found = Meaning("track", it.name, props, contexts)
    if said is not None:
        found.type, found.consent = "consent", said
    elif it.known == f"{_SHOP}snowplow_ecommerce_action":
        _shop(found)
    elif it.known == f"{_GOOGLE}action":
        _enhanced(found)
    elif it.name == "screen_view":
        found.type, found.name = "screen", text_of(it.data.get("name")) or ""
    elif it.known.startswith(_OURS):
        _own(found, page)
    else:
        found.value = take_number(props, "revenue", "total", "value")
        found.currency = take_currency(props, "currency")
    return found


def person_of(contexts: list[Entity]) -> tuple[list[Entity], str | None, dict[str, Any]]:
    """The e-commerce plugin's `user` context: the contexts without what identifies, the user's id, traits."""
    user, traits, rest = None, {}, []
    for one in contexts:
        if one.known != f"{_SHOP}user":
            rest.append(one)
            continue
        user = text_of(one.data.get("id"))
        traits = {"email": one.data["email"]} if text_of(one.data.get("email")) else {}
        left = {name: value for name, value in one.data.items() if name not in ("id", "email")}
        if left:
            rest.append(one._replace(data=left))
    return rest, user, traits


def _own(found: Meaning, page: str | None) -> None:
    props, name = found.props, found.name
    if name in _TYPED:  # what a person typed is theirs
        props.pop("value", None)
        if isinstance(props.get("elements"), list):
            props["elements"] = [_without_value(one) for one in props["elements"]]
    elif name in ("add_to_cart", "remove_from_cart"):
        fields = ("sku", "name", "category", "unitPrice", "unit_price", "quantity")
        found.items = [item_of({key: props.pop(key) for key in fields if key in props}, PRODUCT)]
        found.value, found.currency = worth(found.items), take_currency(props, "currency")
    elif name == "site_search":
        terms = props.get("terms")
        if isinstance(terms, list):
            props["search_term"] = " ".join(str(term) for term in terms if isinstance(term, (str, int, float)))
    elif name == "link_click":
        target = text_of(props.get("targetUrl")) or ""
        props["link_url"] = target
        if props.get("elementId"):
            props["link_id"] = props["elementId"]
        host = _host(target)
        if host and host != _host(page or ""):
            found.name = "click"
            props |= {"outbound": True, "link_domain": host}
        return
    found.name = NAMES.get(name, name)


def _shop(found: Meaning) -> None:
    """snowplow_ecommerce_action: one schema, and contexts that say with what."""
    props, kind = found.props, text_of(found.props.get("type")) or ""
    parts: dict[str, list[dict[str, Any]]] = {}
    rest: list[Entity] = []
    for one in found.contexts:
        if one.known.startswith(_SHOP) and one.name in _PARTS:
            parts.setdefault(one.name, []).append(dict(one.data))
        else:
            rest.append(one)
    found.contexts = rest
    order, back, cart, step = (_first(parts, name) for name in ("transaction", "refund", "cart", "checkout_step"))
    found.name = (
        _checkout(step) if kind == "checkout_step" else ECOMMERCE.get(kind, kind or "snowplow_ecommerce_action")
    )
    found.items = [item_of(data, PRODUCT) for data in parts.get("product", [])]
    found.value = (
        take_number(order, "revenue")
        if order
        else take_number(back, "refund_amount")
        if back
        else take_number(cart, "total_value")
        if kind == "checkout_step"
        else worth(found.items)
    )
    found.currency = take_currency(order or back or cart, "currency") or next(
        (str(item["currency"]) for item in found.items if take_currency(dict(item), "currency")), None
    )
    if kind in ("list_view", "list_click") and text_of(props.get("name")):
        props["item_list_name"] = props.pop("name")
    for part in (cart, step, order, back):
        props |= {_ORDER.get(name, name): value for name, value in part.items() if name not in _PERSONAL}
    promotions = parts.get("promotion", [])
    if promotions:
        props["promotions"] = promotions
        for theirs, ours in (("id", "promotion_id"), ("name", "promotion_name"), ("slot", "creative_slot")):
            if theirs in promotions[0]:
                props[ours] = promotions[0][theirs]


_PARTS = frozenset(("product", "transaction", "refund", "cart", "checkout_step", "promotion"))


def _checkout(step: dict[str, Any]) -> str:
    """GA4 names three steps of a checkout; the others keep their own name."""
    if step.get("payment_method"):
        return "add_payment_info"
    if step.get("delivery_method") or step.get("delivery_provider"):
        return "add_shipping_info"
    return "begin_checkout" if number_of(step.get("step")) in (None, 1) else "checkout_step"


def _enhanced(found: Meaning) -> None:
    """Google's enhanced e-commerce, as an older plugin of the browser tracker sends it."""
    props, rest = found.props, []
    for one in found.contexts:
        if one.known in (f"{_GOOGLE}productFieldObject", f"{_GOOGLE}impressionFieldObject"):
            found.items.append(item_of(one.data, PRODUCT))
        elif one.known == f"{_GOOGLE}actionFieldObject":
            props |= {_ORDER.get(name, name): value for name, value in one.data.items()}
        else:
            rest.append(one)
    found.contexts = rest
    action = text_of(props.get("action")) or ""
    found.name = ENHANCED.get(action, action or "action")
    found.value = take_number(props, "revenue")
    if found.value is None and found.name in ("view_item", "add_to_cart", "remove_from_cart"):
        found.value = worth(found.items)
    found.currency = take_currency(props, "currency") or next(
        (str(item["currency"]) for item in found.items if take_currency(dict(item), "currency")), None
    )


def _first(parts: dict[str, list[dict[str, Any]]], name: str) -> dict[str, Any]:
    return parts.get(name, [{}])[0]


def _without_value(element: object) -> object:
    if isinstance(element, dict):
        return {name: value for name, value in element.items() if name != "value"}
    return element


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
