"""What shops call the steps of a purchase, in GA4's words. Pure; knows no dialect.

Segment's e-commerce specification is what most tools took over, PostHog's templates among them:
https://segment.com/docs/connections/spec/ecommerce/v2/. GA4's names:
https://developers.google.com/analytics/devguides/collection/ga4/reference/events
"""

from __future__ import annotations

from typing import Any

from tracker.collector import values

SEGMENT = {
    "Products Searched": "search",
    "Product List Viewed": "view_item_list",
    "Product Clicked": "select_item",
    "Product Viewed": "view_item",
    "Product Added": "add_to_cart",
    "Product Removed": "remove_from_cart",
    "Product Added to Wishlist": "add_to_wishlist",
    "Product Shared": "share",
    "Cart Viewed": "view_cart",
    "Checkout Started": "begin_checkout",
    "Payment Info Entered": "add_payment_info",
    "Order Completed": "purchase",
    "Order Refunded": "refund",
    "Promotion Viewed": "view_promotion",
    "Promotion Clicked": "select_promotion",
    "Signed Up": "sign_up",
    "Signed In": "login",
}
"""Segment's names, as Segment writes them, and GA4's."""

_EVENTS = {name.casefold(): ours for name, ours in SEGMENT.items()}
_EVENTS |= {"purchase": "purchase", "signup": "sign_up", "login": "login"}
_ITEM = {
    "product_id": "item_id",
    "productId": "item_id",
    "id": "item_id",
    "sku": "item_sku",
    "name": "item_name",
    "category": "item_category",
    "variant": "item_variant",
    "brand": "item_brand",
    "position": "index",
}
ONE_PRODUCT = ("select_item", "view_item", "add_to_cart", "remove_from_cart", "add_to_wishlist", "share")


def name_of(name: str) -> str:
    """GA4's name where it means the same, whatever the case; else the name as it is."""
    return _EVENTS.get(name.strip().casefold(), name)


def named(name: str, props: dict[str, Any]) -> str:
    """`name_of`; where that is another name, `props` gets the original as `original_event`."""
    ours = name_of(name)
    if ours != name:
        props["original_event"] = name
    return ours


def take_items(props: dict[str, Any], event: str) -> list[dict[str, Any]]:
    """Items out of `products` or `items`, or of the one product that an event is about; taken out of `props`."""
    for key in ("items", "products"):
        found = props.get(key)
        if isinstance(found, list) and all(isinstance(one, dict) for one in found):
            del props[key]
            return [item(one) for one in found]
    if event in ONE_PRODUCT and any(key in props for key in ("product_id", "productId", "sku")):
        names = [key for key in (*_ITEM, "price", "quantity", "coupon") if key in props and key != "id"]
        return [item({key: props.pop(key) for key in names})]
    return []


def item(given: dict[str, Any]) -> dict[str, Any]:
    """One product with GA4's names: numbers are numbers, the id is text."""
    found = {_ITEM.get(key, key): value for key, value in given.items() if value is not None}
    if "item_id" not in found and "item_sku" in found:
        found["item_id"] = found["item_sku"]
    for key in ("price", "quantity", "index"):
        number = values.number(found.get(key))
        if number is not None:
            found[key] = number
    if "item_id" in found:
        found["item_id"] = values.text(found["item_id"]) or ""
    return found


def take_money(props: dict[str, Any]) -> tuple[float | None, str | None]:
    """Value (the first of `revenue`, `total`, `value` that is a number) and currency, taken out of `props`."""
    amount = None
    for key in ("revenue", "total", "value"):
        amount = values.number(props.get(key))
        if amount is not None:
            del props[key]
            break
    unit = values.currency(props.get("currency"))
    if unit is not None:
        del props["currency"]
    return amount, unit


def worth(items: list[dict[str, Any]]) -> float | None:
    """The sum of price times quantity; None where no item has a price."""
    found = [
        price * (1 if (quantity := values.number(one.get("quantity"))) is None else quantity)
        for one in items
        if (price := values.number(one.get("price"))) is not None
    ]
    return sum(found) if found else None
