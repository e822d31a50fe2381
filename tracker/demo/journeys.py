"""From one row of the shop's file to one event: names, addresses, products, cart, campaign.

Names. Where GA4 has a word for it, GA4's word: product_view view_item, catalog view_item_list, cart view_cart,
wishlist_add add_to_wishlist, shipping_details add_shipping_info, payment_details add_payment_info. Pages that are only
looked at (home, promo_page, account_page, review_page, error_page) are page views with `props.page`. The rest keeps its
name: search, filter_results, compare, support_chat, payment_error, checkout_bug, add_to_cart, purchase.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tracker.demo.catalogue import CATEGORIES, PRODUCTS, Product, in_category, total
from tracker.demo.dice import pick, throw, weighted

ORIGIN = "https://halden.example"

PAGES = {
    "home": ("/", "Home"),
    "promo_page": ("/deals", "Spring deals"),
    "account_page": ("/account", "Your account"),
    "review_page": ("/reviews", "Reviews"),
    "error_page": ("/error", "Something went wrong"),
}
NAMES = {
    "product_view": "view_item",
    "catalog": "view_item_list",
    "cart": "view_cart",
    "wishlist_add": "add_to_wishlist",
    "shipping_details": "add_shipping_info",
    "payment_details": "add_payment_info",
}
_TERMS = (
    "headphones",
    "earbuds",
    "laptop",
    "usb-c monitor",
    "watch",
    "e-reader",
    "speaker",
    "gift",
    "keyboard",
    "tablet",
)
_PAYMENTS = ((52, "card"), (30, "paypal"), (18, "invoice"))
_SHIPPING = ((70, "standard"), (22, "express"), (8, "pick-up"))
_SEARCH = ((82, "https://www.google.com/"), (11, "https://www.bing.com/"), (7, "https://duckduckgo.com/"))
_SOCIAL = ((44, "https://www.instagram.com/"), (33, "https://www.facebook.com/"), (23, "https://www.tiktok.com/"))
_PAID = (
    (46, "utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid="),
    (38, "utm_source=google&utm_medium=cpc&utm_campaign=audio-sale&gclid="),
    (16, "utm_source=bing&utm_medium=cpc&utm_campaign=computing&msclkid="),
)
_MAIL = ((60, "newsletter"), (25, "welcome"), (15, "cart-reminder"))


def event_name(original: str) -> str:
    """The file's name -> ours."""
    return "page_view" if original in PAGES else NAMES.get(original, original)


@dataclass
class Journey:
    """What a person has in hand: the product last looked at and the cart. Both outlive a session."""

    user: str
    looked_at: Product | None = None
    cart: dict[str, int] = field(default_factory=dict)
    url: str = ""
    orders: int = 0

    def step(self, original: str, session: str, number: int, landing: str | None) -> dict[str, Any]:
        """The fields of RawEvent that depend on what was done. `landing` is the channel on a session's first event."""
        what = getattr(self, f"_{original}", None)
        path, title, fields = what(session, number) if what else self._plain(original)
        url, referrer = ORIGIN + path, self.url or None
        self.url = url
        if landing is not None:
            url, referrer = arrival(url, landing, session)
        return {
            "type": "page" if original in PAGES else "track",
            "name": event_name(original),
            "url": url,
            "referrer": referrer,
            "title": f"{title} – Halden",
            **fields,
        }

    def _plain(self, original: str) -> tuple[str, str, dict[str, Any]]:
        if original in PAGES:
            path, title = PAGES[original]
            return path, title, {"props": {"page": original.removesuffix("_page")}}
        path, title = {
            "support_chat": ("/help", "Help"),
            "compare": ("/compare", "Compare"),
        }.get(original, ("/checkout/payment", "Payment"))
        return path, title, {}

    def _product_view(self, session: str, number: int) -> tuple[str, str, dict[str, Any]]:
        # One view in three goes back to what was looked at before.
        if self.looked_at is None or throw("again", session, number) % 3:
            cheap_first = sorted(PRODUCTS, key=lambda product: product.cents)
            first, second = (throw("which", session, number, n) % len(PRODUCTS) for n in (0, 1))
            self.looked_at = cheap_first[min(first, second)]  # cheaper things are looked at more often
        return self._on_product({})

    def _review_page(self, session: str, number: int) -> tuple[str, str, dict[str, Any]]:
        product = self._product(session, number)
        return f"/p/{product.slug}/reviews", f"Reviews: {product.name}", {"props": {"page": "review"}}

    def _wishlist_add(self, session: str, number: int) -> tuple[str, str, dict[str, Any]]:
        self._product(session, number)
        return self._on_product({})

    def _add_to_cart(self, session: str, number: int) -> tuple[str, str, dict[str, Any]]:
        product = self._product(session, number)
        if product.id in self.cart or len(self.cart) < 5:
            self.cart[product.id] = min(self.cart.get(product.id, 0) + 1, 3)
        return self._on_product({})

    def _catalog(self, session: str, number: int) -> tuple[str, str, dict[str, Any]]:
        category = pick(tuple(CATEGORIES), "category", session, number // 3)
        items = [product.item() for product in in_category(category)]
        return (
            f"/c/{category}",
            CATEGORIES[category],
            {"items": items, "props": {"item_list_name": CATEGORIES[category]}},
        )

    def _search(self, session: str, number: int) -> tuple[str, str, dict[str, Any]]:
        term = pick(_TERMS, "term", session, number)
        return f"/search?q={term.replace(' ', '+')}", "Search", {"props": {"search_term": term}}

    def _filter_results(self, session: str, number: int) -> tuple[str, str, dict[str, Any]]:
        by = pick(("price", "category", "rating", "in_stock"), "filter", session, number)
        return f"/search?filter={by}", "Search", {"props": {"filter": by}}

    def _cart(self, session: str, number: int) -> tuple[str, str, dict[str, Any]]:
        return "/cart", "Cart", self._basket(session, number, {})

    def _shipping_details(self, session: str, number: int) -> tuple[str, str, dict[str, Any]]:
        tier = weighted(_SHIPPING, "shipping", session)
        return "/checkout/shipping", "Shipping", self._basket(session, number, {"shipping_tier": tier})

    def _payment_details(self, session: str, number: int) -> tuple[str, str, dict[str, Any]]:
        kind = weighted(_PAYMENTS, "payment", session)
        return "/checkout/payment", "Payment", self._basket(session, number, {"payment_type": kind})

    def _purchase(self, session: str, number: int) -> tuple[str, str, dict[str, Any]]:
        self.orders += 1
        order = f"H{self.user.removeprefix('user_')}-{self.orders}"
        fields = self._basket(session, number, {"transaction_id": order})
        self.cart.clear()
        return "/thank-you", "Thank you", fields

    def _product(self, session: str, number: int) -> Product:
        if self.looked_at is None:
            self.looked_at = pick(PRODUCTS, "first", session, number)
        return self.looked_at

    def _on_product(self, props: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
        assert self.looked_at is not None
        items = [self.looked_at.item()]
        return f"/p/{self.looked_at.slug}", self.looked_at.name, {"items": items, "value": total(items), "props": props}

    def _basket(self, session: str, number: int, props: dict[str, Any]) -> dict[str, Any]:
        """The cart; where the file jumps into a check-out without one, the product last looked at."""
        chosen = self.cart or {self._product(session, number).id: 1}
        items = [product.item(chosen[product.id]) for product in PRODUCTS if product.id in chosen]
        return {"items": items, "value": total(items), "props": props}


def arrival(url: str, channel: str, session: str) -> tuple[str, str | None]:
    """Address and referrer of a session's first page, so that channel rules find the file's acquisition_channel."""
    glue = "&" if "?" in url else "?"
    if channel == "organic":
        return url, weighted(_SEARCH, "search", session)
    if channel == "paid_search":
        tags = weighted(_PAID, "paid", session)
        referrer = "https://www.bing.com/" if "bing" in tags else "https://www.google.com/"
        return f"{url}{glue}{tags}{throw('click', session):016x}", referrer
    if channel == "email":
        campaign = weighted(_MAIL, "mail", session)
        return f"{url}{glue}utm_source=newsletter&utm_medium=email&utm_campaign={campaign}", None
    if channel == "social":
        return url, weighted(_SOCIAL, "social", session)
    return url, None
